import CurlHTTP
import Foundation
import Testing

@Suite(.timeLimit(.minutes(4)), .enabled(if: Certificates.hasOpenSSL), .serialized)
struct TLSTests {
  private func withTLS(
    certificate: String = "server", authority: KeyPath<Certificates, String>,
    _ body: (String, HTTPClient) async throws -> Void
  ) async throws {
    let certificates = try Certificates()
    defer { certificates.remove() }
    let program = try ServerProgram(
      [
        "openssl", "s_server", "-accept", "127.0.0.1:0", "-www", "-cert", "\(certificates.folder)/\(certificate).pem",
        "-key", "\(certificates.folder)/\(certificate).key",
      ], marker: "ACCEPT 127.0.0.1:")
    defer { program.stop() }
    let client = HTTPClient(
      configuration: HTTPClientConfiguration(proxy: .none, caFile: certificates[keyPath: authority]))
    do {
      try await body("https://127.0.0.1:\(program.port)/", client)
      await client.shutdown()
    } catch {
      await client.shutdown()
      throw error
    }
  }

  @Test func aTrustedServerIsAccepted() async throws {
    try await withTLS(authority: \.authority) { url, client in
      let response = try await client.send(HTTPRequest(url: url))
      #expect(response.head.status == 200)
      #expect(text(response.body).contains("TLSv1.3"))
    }
  }

  @Test func anUnknownAuthorityIsRefused() async throws {
    try await withTLS(authority: \.otherAuthority) { url, client in
      let error = try await failure { () async throws(HTTPError) in try await client.send(HTTPRequest(url: url)) }
      #expect(error.kind == .tlsFailed)
      #expect(!error.requestMayHaveBeenSent)
    }
  }

  @Test func aCertificateForAnotherHostIsRefused() async throws {
    try await withTLS(certificate: "elsewhere", authority: \.authority) { url, client in
      let error = try await failure { () async throws(HTTPError) in try await client.send(HTTPRequest(url: url)) }
      #expect(error.kind == .tlsFailed)
      #expect(!error.requestMayHaveBeenSent)
    }
  }

  @Test func aMissingAuthorityFileIsNamed() async throws {
    try await withServer(
      configuration: HTTPClientConfiguration(proxy: .none, caFile: "/nonexistent/ca.pem")
    ) {
      try $0.waitForClose()
    } _: { server, client in
      let error = try await failure { () async throws(HTTPError) in
        try await client.send(HTTPRequest(url: "https://127.0.0.1:\(server.port)/"))
      }
      #expect(error.kind == .tlsFailed)
      #expect(error.message.contains("/nonexistent/ca.pem"))
      #expect(!error.requestMayHaveBeenSent)
    }
  }

  @Test func plainHTTPOnATLSPortIsRefused() async throws {
    try await withServer { connection in
      _ = try connection.receive()
      try connection.send("HTTP/1.1 400 Bad Request\r\n\r\n")
    } _: { server, client in
      let error = try await failure { () async throws(HTTPError) in
        try await client.send(HTTPRequest(url: "https://127.0.0.1:\(server.port)/"))
      }
      #expect(error.kind == .tlsFailed)
      #expect(!error.requestMayHaveBeenSent)
    }
  }

  /// Answers with the version it was asked in, and the count and sum of the body; `/early` is answered without reading.
  private static let nodeServer = """
    const fs = require('fs'), dir = process.argv[1];
    let sessions = 0;
    const server = require('http2').createSecureServer(
      {allowHTTP1: true, key: fs.readFileSync(dir + '/server.key'), cert: fs.readFileSync(dir + '/server.pem')});
    server.on('secureConnection', () => { sessions += 1; });
    server.on('request', (request, response) => {
      if (request.url === '/early') { response.writeHead(413); response.end('no'); return; }
      if (request.url === '/die') { request.socket.destroy(); return; }
      let count = 0, sum = 0;
      request.on('data', (data) => { count += data.length; for (const byte of data) sum = (sum + byte) % 65521; });
      request.on('end', () => response.end(`${request.httpVersion} ${count} ${sum} ${sessions}`));
    });
    server.listen(0, '127.0.0.1', () => console.log('PORT ' + server.address().port));
    """

  private func withNode(http2: Bool = true, _ body: (String, HTTPClient) async throws -> Void) async throws {
    let certificates = try Certificates()
    defer { certificates.remove() }
    let program = try ServerProgram(["node", "-e", Self.nodeServer, certificates.folder], marker: "PORT ")
    defer { program.stop() }
    let client = HTTPClient(
      configuration: HTTPClientConfiguration(proxy: .none, caFile: certificates.authority, http2: http2))
    do {
      try await body("https://127.0.0.1:\(program.port)", client)
      await client.shutdown()
    } catch {
      await client.shutdown()
      throw error
    }
  }

  @Test(.enabled(if: Certificates.hasNode), arguments: [true, false])
  func theVersionIsNegotiated(http2: Bool) async throws {
    try await withNode(http2: http2) { url, client in
      for size in [0, 1000, 200_000] {
        let body = [UInt8](repeating: 1, count: size)
        let response = try await client.send(HTTPRequest(method: "POST", url: url, body: .bytes(body)))
        #expect(response.head.httpVersion == (http2 ? "2" : "1.1"))
        #expect(text(response.body) == "\(http2 ? "2.0" : "1.1") \(size) \(size % 65521) 1")
      }
    }
  }

  @Test(.enabled(if: Certificates.hasNode)) func manyRequestsShareHTTP2Connections() async throws {
    try await withNode { url, client in
      _ = try await client.send(HTTPRequest(url: url))
      let right = await withTaskGroup(of: Bool.self) { group in
        for index in 1...200 {
          group.addTask {
            let body = [UInt8](repeating: 1, count: index)
            let response = try? await client.send(HTTPRequest(method: "POST", url: url, body: .bytes(body)))
            return response.map { text($0.body).hasPrefix("2.0 \(index) \(index) ") } ?? false
          }
        }
        return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
      }
      #expect(right == 200)
      let last = try await client.send(HTTPRequest(url: url))
      #expect(text(last.body) == "2.0 0 0 1")
    }
  }

  @Test(.enabled(if: Certificates.hasNode)) func streamedUploadsUseHTTP1() async throws {
    try await withNode { url, client in
      _ = try await client.send(HTTPRequest(url: url))
      let length: Int64 = 5_000_000
      let body = HTTPBody.stream(length: length) { PatternSource(left: length, chunk: 100_000) }
      let response = try await client.send(HTTPRequest(method: "POST", url: url, body: body))
      #expect(text(response.body).hasPrefix("1.1 \(length) "))
      let large = HTTPBody.bytes([UInt8](repeating: 1, count: 1 << 20))
      #expect(
        try await text(client.send(HTTPRequest(method: "POST", url: url, body: large)).body).hasPrefix("1.1 1048576 "))
    }
  }

  @Test(.enabled(if: Certificates.hasNode)) func anEarlyAnswerOverTLSEndsAnUpload() async throws {
    try await withNode { url, client in
      let limits = HTTPLimits(idle: .seconds(20))
      for size: Int64 in [200_000, 50 << 20] {
        let body =
          size < 1 << 20
          ? HTTPBody.bytes([UInt8](repeating: 1, count: Int(size)))
          : HTTPBody.stream(length: size) { PatternSource(left: size, chunk: 1 << 20) }
        let response = try await client.send(
          HTTPRequest(method: "POST", url: url + "/early", body: body, limits: limits))
        #expect(response.head.status == 413)
      }
    }
  }

  @Test(.enabled(if: Certificates.hasNode)) func anHTTP2ConnectionThatDiesIsLost() async throws {
    try await withNode { url, client in
      _ = try await client.send(HTTPRequest(url: url))
      let error = try await failure { () async throws(HTTPError) in
        try await client.send(HTTPRequest(method: "POST", url: url + "/die", body: .bytes([1])))
      }
      #expect(error.kind == .connectionLost(.duringRequest))
      #expect(error.requestMayHaveBeenSent)
    }
  }
}
