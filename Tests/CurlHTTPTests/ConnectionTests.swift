import CurlHTTP
import Glibc
import Testing
import Threading

@Suite(.timeLimit(.minutes(4)))
struct ConnectionTests {
  @Test func oneConnectionServesRequestAfterRequest() async throws {
    try await withServer {
      try $0.serve { _ in "ok" }
    } _: { server, client in
      for _ in 0..<50 {
        _ = try await client.send(HTTPRequest(method: "POST", url: server.url, body: .bytes([1, 2, 3])))
      }
      #expect(server.accepted == 1)
    }
  }

  @Test func aFreshConnectionIsMadeWhenAsked() async throws {
    try await withServer {
      try $0.serve { _ in "ok" }
    } _: { server, client in
      for _ in 0..<3 { _ = try await client.send(HTTPRequest(url: server.url, freshConnection: true)) }
      #expect(server.accepted == 3)
    }
  }

  @Test(arguments: [0, 8]) func twoHundredRequestsAtOnce(connectionsPerHost: Int) async throws {
    let configuration = HTTPClientConfiguration(proxy: .none, maxConnectionsPerHost: connectionsPerHost)
    try await withServer(configuration: configuration) { connection in
      try connection.serve { text($0.body) }
    } _: { server, client in
      let url = server.url
      let right = await withTaskGroup(of: Bool.self) { group in
        for index in 0..<200 {
          group.addTask {
            let body = Array("request \(index)".utf8)
            let response = try? await client.send(HTTPRequest(method: "POST", url: url, body: .bytes(body)))
            return response?.body == body
          }
        }
        return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
      }
      #expect(right == 200)
      #expect(server.accepted <= (connectionsPerHost == 0 ? 200 : connectionsPerHost))
    }
  }

  enum Sent: String, CaseIterable {
    case get, post, largePost, streamed

    func request(_ url: String) -> HTTPRequest {
      switch self {
      case .get: HTTPRequest(url: url)
      case .post: HTTPRequest(method: "POST", url: url, body: .bytes([7]))
      case .largePost: HTTPRequest(method: "POST", url: url, body: .bytes([UInt8](repeating: 7, count: 1 << 20)))
      case .streamed:
        HTTPRequest(
          method: "POST", url: url, body: .stream(length: 1 << 20) { PatternSource(left: 1 << 20, chunk: 70_000) })
      }
    }
  }

  /// The server reads a second request on each kept connection and closes without a word. libcurl alone would send it
  /// again, on the other kept connection or on a new one.
  @Test(arguments: Sent.allCases, [false, true])
  func aRequestOnAConnectionThatDiesIsNotSentAgain(sent: Sent, reset: Bool) async throws {
    let seen = Tally()
    let both = Tally()
    try await withServer { connection in
      guard try connection.receiveRequest() != nil else { return }
      // Two connections are kept, since neither request is answered before both are there.
      both.add()
      while both.value < 2 { usleep(1000) }
      try connection.respond()
      guard try connection.receiveRequest() != nil else { return }
      seen.add()
      if reset { connection.closeWithReset() }
    } _: { server, client in
      async let first = client.send(HTTPRequest(url: server.url))
      async let second = client.send(HTTPRequest(url: server.url))
      _ = try await (first, second)
      #expect(server.accepted == 2)
      let error = try await failure { () async throws(HTTPError) in try await client.send(sent.request(server.url)) }
      #expect(error.kind == .connectionLost(.duringRequest))
      #expect(error.requestMayHaveBeenSent)
      #expect(seen.value == 1)
      #expect(server.accepted == 2)
    }
  }

  @Test func aConnectionThatWasClosedWhileUnusedIsReplaced() async throws {
    let closed = Gate()
    try await withServer { connection in
      _ = try connection.receiveRequest()
      try connection.respond()
      connection.stopSending()
      closed.open()
    } _: { server, client in
      for _ in 0..<3 { _ = try await client.send(HTTPRequest(method: "POST", url: server.url, body: .bytes([1]))) }
      #expect(await closed.waitAside())
    }
  }

  @Test func aRefusedPort() async throws {
    let (descriptor, port) = try TestServer.listen(backlog: 1)
    close(descriptor)
    let client = HTTPClient(configuration: HTTPClientConfiguration(proxy: .none))
    let error = try await failure { () async throws(HTTPError) in
      try await client.send(HTTPRequest(method: "POST", url: "http://u:secret@127.0.0.1:\(port)/secret?k=secret"))
    }
    #expect(error.kind == .connectFailed)
    #expect(!error.requestMayHaveBeenSent)
    #expect(error.message.contains("http://127.0.0.1:\(port)"))
    #expect(!error.message.contains("secret"))
    await client.shutdown()
  }

  @Test func aNameWithoutAnAddress() async throws {
    // A label of 64 characters is refused by the resolver itself, without a network.
    let name = String(repeating: "a", count: 64) + ".invalid"
    let client = HTTPClient(configuration: HTTPClientConfiguration(proxy: .none))
    let error = try await failure { () async throws(HTTPError) in
      try await client.send(HTTPRequest(url: "http://\(name)/"))
    }
    #expect(error.kind == .nameNotResolved)
    #expect(!error.requestMayHaveBeenSent)
    await client.shutdown()
  }

  @Test func aNameIsResolved() async throws {
    try await withServer {
      try $0.serve { _ in "ok" }
    } _: { server, client in
      let response = try await client.send(HTTPRequest(url: "http://localhost:\(server.port)/"))
      #expect(text(response.body) == "ok")
    }
  }
}
