import CurlHTTP
import Testing

@Suite(.timeLimit(.minutes(4)))
struct ShutdownTests {
  @Test func whatIsInFlightFails() async throws {
    let arrived = Tally()
    let server = try TestServer { connection in
      guard let request = try connection.receiveHead() else { return }
      if request.target == "/stream" {
        try connection.send("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc")
      }
      arrived.add()
      try connection.waitForClose()
    }
    let client = HTTPClient(configuration: HTTPClientConfiguration(proxy: .none))
    let url = server.url
    let stream = try await client.stream(HTTPRequest(url: url + "/stream"))
    let tasks = (0..<20).map { index in
      Task {
        let body = index % 2 == 0 ? nil : HTTPBody.stream(length: 1 << 30) { PatternSource(left: 1 << 30, chunk: 9999) }
        return try await failure { () async throws(HTTPError) in
          try await client.send(HTTPRequest(method: "POST", url: url, body: body))
        }
      }
    }
    while arrived.value < 21 { try await Task.sleep(for: .milliseconds(1)) }
    await client.shutdown()
    for task in tasks {
      let error = try await task.value
      #expect(error.kind == .shutDown)
      #expect(error.requestMayHaveBeenSent)
    }
    let broken = try await failure { () async throws(HTTPError) in for try await _ in stream.body {} }
    #expect(broken.kind == .shutDown)
    let late = try await failure { () async throws(HTTPError) in try await client.send(HTTPRequest(url: url)) }
    #expect(late.kind == .shutDown)
    #expect(!late.requestMayHaveBeenSent)
    server.stop()
  }

  /// Clients that start and stop in every order, with requests under way.
  @Test func shutdownMayComeAtAnyTime() async throws {
    let server = try TestServer { try $0.serve { _ in "ok" } }
    let url = server.url
    await withTaskGroup(of: Void.self) { group in
      for round in 0..<60 {
        group.addTask {
          let client = HTTPClient(configuration: HTTPClientConfiguration(proxy: .none))
          await withTaskGroup(of: Void.self) { inner in
            for _ in 0..<(round % 5) {
              inner.addTask { _ = try? await client.send(HTTPRequest(method: "POST", url: url, body: .bytes([1]))) }
              inner.addTask {
                guard let stream = try? await client.stream(HTTPRequest(url: url)) else { return }
                do { for try await _ in stream.body {} } catch {}
              }
            }
            for _ in 0...(round % 3) { inner.addTask { await client.shutdown() } }
          }
          await client.shutdown()
        }
      }
    }
    server.stop()
  }
}
