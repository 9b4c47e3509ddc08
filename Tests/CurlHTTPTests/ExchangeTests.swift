import CurlHTTP
import Testing

@Suite(.timeLimit(.minutes(4)))
struct ExchangeTests {
  @Test func aResponseIsCollected() async throws {
    try await withServer { connection in
      _ = try connection.receiveRequest()
      try connection.respond(404, headers: "X-Kind:  odd \r\nempty:\r\n", "not here")
    } _: { server, client in
      let response = try await client.send(HTTPRequest(url: "\(server.url)/a?b=c"))
      #expect(response.head.status == 404)
      #expect(response.head["x-kind"] == "odd")
      #expect(response.head["empty"] == "")
      #expect(response.head["none"] == nil)
      #expect(response.head.httpVersion == "1.1")
      #expect(text(response.body) == "not here")
    }
  }

  @Test(arguments: ["POST", "PUT", "PATCH", "DELETE"]) func aRequestArrivesAsItWasGiven(method: String) async throws {
    let notes = Notes()
    try await withServer { connection in
      try connection.serve { request in
        notes.add("\(request.method) \(request.target)")
        for name in request.headers.keys.sorted() where name != "host" {
          notes.add("\(name)=\(request.headers[name] ?? "")")
        }
        return text(request.body.reversed())
      }
    } _: { server, client in
      let response = try await client.send(
        HTTPRequest(
          method: method, url: "\(server.url)/path?q=1",
          headers: [("Content-Type", "application/json"), ("X-Empty", ""), ("Authorization", "Bearer k")],
          body: .bytes(Array("abc".utf8))))
      #expect(text(response.body) == "cba")
      #expect(
        notes.all == [
          "\(method) /path?q=1", "accept=*/*", "authorization=Bearer k", "content-length=3",
          "content-type=application/json", "user-agent=millrace", "x-empty=",
        ])
    }
  }

  @Test(arguments: [("POST", "0"), ("PUT", "0"), ("GET", "none"), ("DELETE", "none"), ("OPTIONS", "none")])
  func requestsWithoutABody(method: String, length: String) async throws {
    try await withServer { connection in
      try connection.serve {
        "\($0.method) \($0.headers["content-length"] ?? "none") \($0.headers["content-type"] ?? "untyped")"
      }
    } _: { server, client in
      let response = try await client.send(HTTPRequest(method: method, url: server.url))
      #expect(text(response.body) == "\(method) \(length) untyped")
    }
  }

  @Test func segmentsArriveInOrder() async throws {
    let small: [[UInt8]] = [[1], [], [2, 3]]
    let large = (0..<40).map { [UInt8](repeating: UInt8($0), count: 50_000) }
    try await withServer { connection in
      try connection.serve { request in
        var sum = Checksum()
        sum.add(request.body)
        return "\(sum.count) \(sum.value)"
      }
    } _: { server, client in
      for segments in [small, large, [], [[]]] {
        var sum = Checksum()
        sum.add(segments.joined())
        let response = try await client.send(
          HTTPRequest(method: "POST", url: server.url, body: .segments(segments)))
        #expect(text(response.body) == "\(sum.count) \(sum.value)")
      }
    }
  }

  @Test func responsesWithoutABodyEnd() async throws {
    try await withServer { connection in
      while let request = try connection.receiveRequest() {
        if request.method == "HEAD" {
          try connection.send("HTTP/1.1 200 OK\r\ncontent-length: 999999999\r\n\r\n")
        } else {
          try connection.send("HTTP/1.1 204 No Content\r\n\r\n")
        }
      }
    } _: { server, client in
      for method in ["HEAD", "DELETE", "HEAD"] {
        let response = try await client.send(HTTPRequest(method: method, url: server.url))
        #expect(response.head.status == (method == "HEAD" ? 200 : 204))
        #expect(response.body.isEmpty)
      }
      #expect(server.accepted == 1)
    }
  }

  @Test func informationalResponsesAndTrailersAreSkipped() async throws {
    try await withServer { connection in
      _ = try connection.receiveRequest()
      try connection.send("HTTP/1.1 100 Continue\r\nx-early: 1\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: a\r\n\r\n")
      try connection.send("HTTP/1.1 201 Created\r\ntransfer-encoding: chunked\r\nx-final: 1\r\n\r\n")
      try connection.send("3\r\nabc\r\n2\r\nde\r\n0\r\nx-trailer: 1\r\n\r\n")
    } _: { server, client in
      let response = try await client.send(HTTPRequest(url: server.url))
      #expect(response.head.status == 201)
      #expect(response.head.headers.map(\.name) == ["transfer-encoding", "x-final"])
      #expect(text(response.body) == "abcde")
    }
  }

  @Test func redirectsAreAnswersAndContentStaysEncoded() async throws {
    try await withServer { connection in
      let request = try connection.receiveRequest()
      let encoding = request?.headers["accept-encoding"] ?? "none"
      try connection.respond(302, headers: "location: /elsewhere\r\ncontent-encoding: gzip\r\n", encoding)
    } _: { server, client in
      let response = try await client.send(HTTPRequest(url: server.url))
      #expect(response.head.status == 302)
      #expect(response.head["location"] == "/elsewhere")
      #expect(text(response.body) == "none")
    }
  }

  @Test func aBodyMayEndWithTheConnection() async throws {
    try await withServer { connection in
      _ = try connection.receiveRequest()
      try connection.send("HTTP/1.0 200 OK\r\n\r\nall of it")
    } _: { server, client in
      let response = try await client.send(HTTPRequest(url: server.url))
      #expect(response.head.httpVersion == "1.0")
      #expect(text(response.body) == "all of it")
    }
  }

  @Test(arguments: [
    "ftp://h/", "", "http//x", "http://", "http://u:secret@/", "http://h:secret/", "http://user:secret/x@h",
    "http://a b/", "http://h/\r\nx: y", "http://h:0/", "http://h:99999/", "http://h\\secret@/",
  ])
  func badURLsAreRefused(url: String) async throws {
    let client = HTTPClient(configuration: HTTPClientConfiguration(proxy: .none))
    let error = try await failure { () async throws(HTTPError) in try await client.send(HTTPRequest(url: url)) }
    #expect(error.kind == .badURL)
    #expect(!error.requestMayHaveBeenSent)
    #expect(!error.message.contains("secret"))
    await client.shutdown()
  }

  @Test(arguments: [
    HTTPRequest(method: "GE T", url: "http://h"), HTTPRequest(method: "", url: "http://h"),
    HTTPRequest(url: "http://h", headers: [("x", "secret\r\nhost: y")]),
    HTTPRequest(url: "http://h", headers: [("x: y", "secret")]),
    HTTPRequest(url: "http://h", headers: [("", "secret")]),
    HTTPRequest(url: "http://h", headers: [("Content-Length", "7")]),
    HTTPRequest(method: "POST", url: "http://h", body: .stream(length: -1) { PatternSource(left: 0, chunk: 1) }),
  ])
  func badRequestsAreRefused(request: HTTPRequest) async throws {
    let client = HTTPClient(configuration: HTTPClientConfiguration(proxy: .none))
    let error = try await failure { () async throws(HTTPError) in try await client.send(request) }
    #expect(error.kind == .badRequest)
    #expect(!error.requestMayHaveBeenSent)
    #expect(!error.message.contains("secret"))
    await client.shutdown()
  }
}
