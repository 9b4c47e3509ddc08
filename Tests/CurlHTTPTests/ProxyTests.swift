import CurlHTTP
import Glibc
import Testing

@Suite(.timeLimit(.minutes(4)))
struct ProxyTests {
  @Test func plainRequestsGoThroughTheProxy() async throws {
    let notes = Notes()
    let proxy = try TestServer { connection in
      try connection.serve { request in
        notes.add("\(request.method) \(request.target) \(request.headers["proxy-authorization"] ?? "none")")
        return "from the proxy"
      }
    }
    let client = HTTPClient(
      configuration: HTTPClientConfiguration(proxy: .url("http://me:secret@127.0.0.1:\(proxy.port)")))
    let response = try await client.send(HTTPRequest(url: "http://api.example/v1?q=1"))
    #expect(text(response.body) == "from the proxy")
    #expect(notes.all == ["GET http://api.example/v1?q=1 Basic bWU6c2VjcmV0"])
    await client.shutdown()
    proxy.stop()
  }

  @Test func hostsMayBeExcepted() async throws {
    let proxy = try TestServer { try $0.serve { _ in "from the proxy" } }
    let configuration = HTTPClientConfiguration(
      proxy: .url("http://127.0.0.1:\(proxy.port)", except: "127.0.0.1,localhost"))
    try await withServer(configuration: configuration) {
      try $0.serve { _ in "direct" }
    } _: { server, client in
      let direct = try await client.send(HTTPRequest(url: server.url))
      #expect(text(direct.body) == "direct")
      let proxied = try await client.send(HTTPRequest(url: "http://api.example/"))
      #expect(text(proxied.body) == "from the proxy")
    }
    proxy.stop()
  }

  /// The tunnel's own answer, with its headers, is not the response; and the server's headers are not for the proxy.
  @Test func secureRequestsAreTunnelled() async throws {
    let notes = Notes()
    let proxy = try TestServer { connection in
      guard let request = try connection.receiveHead() else { return }
      notes.add("\(request.method) \(request.target) \(request.headers["authorization"] ?? "none")")
      try connection.send("HTTP/1.1 407 Who\r\nx-proxy: secret\r\ncontent-length: 0\r\n\r\n")
    }
    let client = HTTPClient(configuration: HTTPClientConfiguration(proxy: .url("http://127.0.0.1:\(proxy.port)")))
    let error = try await failure { () async throws(HTTPError) in
      try await client.send(
        HTTPRequest(method: "POST", url: "https://api.example/v1", headers: [("Authorization", "Bearer secret")]))
    }
    #expect(error.kind == .connectFailed)
    #expect(!error.requestMayHaveBeenSent)
    #expect(!error.message.contains("secret"))
    #expect(notes.all == ["CONNECT api.example:443 none"])
    await client.shutdown()
    proxy.stop()
  }

  @Test func aTunnelCarriesTheResponse() async throws {
    try #require(Certificates.hasOpenSSL)
    let certificates = try Certificates()
    defer { certificates.remove() }
    let program = try ServerProgram(
      [
        "openssl", "s_server", "-accept", "127.0.0.1:0", "-www", "-cert", "\(certificates.folder)/server.pem",
        "-key", "\(certificates.folder)/server.key",
      ], marker: "ACCEPT 127.0.0.1:")
    defer { program.stop() }
    let port = UInt16(program.port)
    let proxy = try TestServer { connection in
      guard try connection.receiveHead() != nil else { return }
      let server = try TestConnection.connect(port: port)
      try connection.send("HTTP/1.1 200 Connected\r\nx-proxy: 1\r\n\r\n")
      let back = Gate()
      let (client, target) = (connection.descriptor, server.descriptor)
      startThread {
        relay(from: target, to: client)
        back.open()
      }
      relay(from: client, to: target)
      back.wait()
      close(target)
    }
    let client = HTTPClient(
      configuration: HTTPClientConfiguration(
        proxy: .url("http://127.0.0.1:\(proxy.port)"), caFile: certificates.authority))
    let response = try await client.send(HTTPRequest(url: "https://localhost:\(port)/"))
    #expect(response.head.status == 200)
    #expect(response.head["x-proxy"] == nil)
    #expect(proxy.accepted == 1)
    await client.shutdown()
    proxy.stop()
  }

  @Test(arguments: ["weird://me:secret@h", "http://me:secret@"]) func aBrokenProxySettingIsNotQuoted(proxy: String)
    async throws
  {
    let client = HTTPClient(configuration: HTTPClientConfiguration(proxy: .url(proxy)))
    let error = try await failure { () async throws(HTTPError) in
      try await client.send(HTTPRequest(url: "http://api.example/"))
    }
    #expect(!error.requestMayHaveBeenSent)
    #expect(!error.message.contains("secret"))
    await client.shutdown()
  }
}

/// Copies bytes until either side ends.
private func relay(from source: CInt, to target: CInt) {
  var buffer = [UInt8](repeating: 0, count: 16 << 10)
  while true {
    let count = recv(source, &buffer, buffer.count, 0)
    guard count > 0 else { break }
    var sent = 0
    while sent < count {
      let written = buffer[sent..<count].withUnsafeBytes { send(target, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL)) }
      guard written > 0 else { return }
      sent += written
    }
  }
  _ = shutdown(target, CInt(SHUT_WR))
}
