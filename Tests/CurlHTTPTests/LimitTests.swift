import CurlHTTP
import Glibc
import Testing

@Suite(.timeLimit(.minutes(4)))
struct LimitTests {
  @Test func aSilentServerEndsInTheIdleLimit() async throws {
    try await withServer { connection in
      _ = try connection.receiveRequest()
      try connection.waitForClose()
    } _: { server, client in
      let clock = ContinuousClock()
      let start = clock.now
      let error = try await failure { () async throws(HTTPError) in
        try await client.send(HTTPRequest(url: server.url, limits: HTTPLimits(idle: .milliseconds(300))))
      }
      #expect(error.kind == .idleTimeout)
      #expect(error.requestMayHaveBeenSent)
      #expect(clock.now - start >= .milliseconds(299))
    }
  }

  @Test func aServerThatFallsSilentEndsInTheIdleLimit() async throws {
    try await withServer { connection in
      _ = try connection.receiveRequest()
      try connection.send("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc")
      try connection.waitForClose()
    } _: { server, client in
      let error = try await failure { () async throws(HTTPError) in
        try await client.send(HTTPRequest(url: server.url, limits: HTTPLimits(idle: .milliseconds(200))))
      }
      #expect(error.kind == .idleTimeout)
    }
  }

  @Test func aSlowDripIsNotIdle() async throws {
    try await withServer { connection in
      _ = try connection.receiveRequest()
      try connection.send("HTTP/1.1 200 OK\r\n")
      for line in ["x-a: 1\r\n", "x-b: 2\r\n", "content-length: 8\r\n\r\n", "a", "b", "c", "d", "e", "f", "g", "h"] {
        // The server's pace is what is under test.
        usleep(100_000)
        try connection.send(line)
      }
    } _: { server, client in
      let limits = HTTPLimits(idle: .milliseconds(600))
      let response = try await client.send(HTTPRequest(url: server.url, limits: limits))
      #expect(text(response.body) == "abcdefgh")
    }
  }

  @Test func aSlowReaderOfAnUploadIsNotIdle() async throws {
    let length = 16 << 20
    try await withServer { connection in
      guard let head = try connection.receiveHead() else { return }
      var left = head.length
      while left > 0 {
        let count = min(left, 512 << 10)
        try connection.drain(count)
        left -= count
        usleep(100_000)
      }
      try connection.respond()
    } _: { server, client in
      let limits = HTTPLimits(idle: .seconds(2))
      let body = HTTPBody.bytes([UInt8](repeating: 1, count: length))
      let response = try await client.send(HTTPRequest(method: "PUT", url: server.url, body: body, limits: limits))
      #expect(response.head.status == 200)
    }
  }

  @Test func theTotalLimitHoldsWhileBytesMove() async throws {
    try await withServer { connection in
      _ = try connection.receiveRequest()
      try connection.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
      while true {
        try connection.send("1\r\nx\r\n")
        usleep(20_000)
      }
    } _: { server, client in
      let error = try await failure { () async throws(HTTPError) in
        try await client.send(
          HTTPRequest(url: server.url, limits: HTTPLimits(idle: .seconds(5), total: .milliseconds(300))))
      }
      #expect(error.kind == .totalTimeout)
      #expect(error.requestMayHaveBeenSent)
    }
  }

  @Test func aFullBacklogEndsInTheConnectLimit() async throws {
    let (listener, port) = try TestServer.listen(backlog: 0)
    defer { close(listener) }
    // Connections beyond the backlog get no answer. The first two fill it.
    let fillers = try [TestConnection.connect(port: port)]
    defer { for filler in fillers { close(filler.descriptor) } }
    let client = HTTPClient(configuration: HTTPClientConfiguration(proxy: .none))
    let limits = HTTPLimits(connect: .milliseconds(300), idle: .seconds(20))
    let error = try await failure { () async throws(HTTPError) in
      try await client.send(HTTPRequest(method: "POST", url: "http://127.0.0.1:\(port)", limits: limits))
    }
    #expect(error.kind == .connectTimeout)
    #expect(!error.requestMayHaveBeenSent)
    await client.shutdown()
  }

  @Test func aSilentHandshakeEndsInTheConnectLimit() async throws {
    try await withServer {
      try $0.waitForClose()
    } _: { server, client in
      let limits = HTTPLimits(connect: .milliseconds(300), idle: .seconds(20))
      let error = try await failure { () async throws(HTTPError) in
        try await client.send(HTTPRequest(url: "https://127.0.0.1:\(server.port)", limits: limits))
      }
      #expect(error.kind == .connectTimeout)
      #expect(!error.requestMayHaveBeenSent)
    }
  }

  @Test func waitingForAConnectionIsLimitedByTheTotalOnly() async throws {
    let configuration = HTTPClientConfiguration(proxy: .none, maxConnectionsPerHost: 1)
    let release = Gate()
    try await withServer(configuration: configuration) { connection in
      while try connection.receiveRequest() != nil {
        release.wait()
        try connection.respond()
      }
    } _: { server, client in
      async let first = client.send(HTTPRequest(url: server.url))
      while server.accepted == 0 { try await Task.sleep(for: .milliseconds(1)) }
      let short = HTTPLimits(connect: .milliseconds(50), idle: .milliseconds(50), total: .milliseconds(400))
      let error = try await failure { () async throws(HTTPError) in
        try await client.send(HTTPRequest(url: server.url, limits: short))
      }
      #expect(error.kind == .totalTimeout)
      #expect(!error.requestMayHaveBeenSent)
      release.open()
      #expect(try await first.head.status == 200)
      #expect(server.accepted == 1)
    }
  }

  @Test func largeResponsesAreRefused() async throws {
    try await withServer { connection in
      while let request = try connection.receiveRequest() {
        switch request.target {
        case "/announced": try connection.send("HTTP/1.1 200 OK\r\ncontent-length: 1001\r\n\r\n")
        case "/exact": try connection.respond(200, String(repeating: "x", count: 1000))
        default:
          try connection.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
          for _ in 0..<11 { try connection.send("64\r\n" + String(repeating: "x", count: 100) + "\r\n") }
        }
        if request.target != "/exact" { try connection.waitForClose() }
      }
    } _: { server, client in
      let limits = HTTPLimits(maximumResponseBytes: 1000)
      let exact = try await client.send(HTTPRequest(url: server.url + "/exact", limits: limits))
      #expect(exact.body.count == 1000)
      for path in ["/announced", "/chunked"] {
        let error = try await failure { () async throws(HTTPError) in
          try await client.send(HTTPRequest(url: server.url + path, limits: limits))
        }
        #expect(error.kind == .responseTooLarge)
        #expect(error.requestMayHaveBeenSent)
      }
    }
  }

  @Test func headersAreBounded() async throws {
    try await withServer { connection in
      _ = try connection.receiveRequest()
      try connection.send("HTTP/1.1 200 OK\r\n")
      while true { try connection.send("x-more: " + String(repeating: "x", count: 1000) + "\r\n") }
    } _: { server, client in
      let error = try await failure { () async throws(HTTPError) in
        try await client.send(HTTPRequest(url: server.url))
      }
      #expect(error.kind == .protocolError)
    }
  }

  @Test func limitsMayBeAbsurd() async throws {
    try await withServer {
      try $0.serve { _ in "ok" }
    } _: { server, client in
      let endless = Duration(secondsComponent: .max, attosecondsComponent: 0)
      let limits = HTTPLimits(connect: endless, idle: endless, total: endless, maximumResponseBytes: .max)
      #expect(try await client.send(HTTPRequest(url: server.url, limits: limits)).head.status == 200)
      let none = HTTPLimits(connect: .seconds(-1), idle: .zero, total: .zero, maximumResponseBytes: -1)
      _ = try await failure { () async throws(HTTPError) in
        try await client.send(HTTPRequest(url: server.url, limits: none))
      }
    }
  }
}
