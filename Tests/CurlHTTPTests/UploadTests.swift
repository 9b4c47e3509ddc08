import CurlHTTP
import Testing

@Suite(.timeLimit(.minutes(4)))
struct UploadTests {
  static let large: Int64 = 50 << 20

  @Test func twoHundredMegabytesArriveUnchanged() async throws {
    let length: Int64 = 200_000_000
    let made = Tally()
    try await withServer { connection in
      guard let head = try connection.receiveHead() else { return }
      var offset: Int64 = 0
      var wrong = 0
      try connection.drain(head.length) { bytes in
        // Every byte is counted; one in 61, a prime, is compared.
        var index = bytes.startIndex
        while index < bytes.endIndex {
          if bytes[index] != PatternSource.byte(offset + Int64(index - bytes.startIndex)) { wrong += 1 }
          index += 61
        }
        offset += Int64(bytes.count)
      }
      try connection.respond(200, "\(offset) \(wrong) \(head.headers["expect"] ?? "no expect")")
    } _: { server, client in
      let body = HTTPBody.stream(length: length) { PatternSource(left: length, chunk: 1_000_003, made: made) }
      let response = try await client.send(HTTPRequest(method: "POST", url: server.url, body: body))
      #expect(text(response.body) == "\(length) 0 no expect")
      #expect(made.value == 200_000_000)
    }
  }

  @Test(arguments: [1, 7, 4096]) func smallChunksArriveUnchanged(chunk: Int) async throws {
    let length: Int64 = 20_011
    try await withServer { connection in
      guard let request = try connection.receiveRequest() else { return }
      let isRight = request.body.enumerated().allSatisfy { $1 == PatternSource.byte(Int64($0)) }
      try connection.respond(200, "\(request.body.count) \(isRight)")
    } _: { server, client in
      let body = HTTPBody.stream(length: length) { PatternSource(left: length, chunk: chunk) }
      let response = try await client.send(HTTPRequest(method: "POST", url: server.url, body: body))
      #expect(text(response.body) == "20011 true")
    }
  }

  @Test func aSourceIsPulledOnlyAsFarAsTheServerReads() async throws {
    let made = Tally()
    let isFull = Gate()
    try await withServer { connection in
      guard let head = try connection.receiveHead() else { return }
      isFull.wait()
      try connection.drain(head.length)
      try connection.respond()
    } _: { server, client in
      let length = Self.large
      let body = HTTPBody.stream(length: length) { PatternSource(left: length, chunk: 64 << 10, made: made) }
      async let response = client.send(HTTPRequest(method: "PUT", url: server.url, body: body))
      // The amount is settled when it no longer grows over a while.
      var last = -1
      while made.value == 0 || made.value != last {
        last = made.value
        try await Task.sleep(for: .milliseconds(200))
      }
      // Socket buffers of both sides, libcurl's buffer and ours.
      #expect(made.value < 24 << 20)
      isFull.open()
      #expect(try await response.head.status == 200)
    }
  }

  enum Early: String, CaseIterable {
    case refusesAndKeepsOpen, refusesAndCloses, refusesAndReads, acceptsAndKeepsOpen, acceptsAndReads, refusesChunked
  }

  enum Sent: String, CaseIterable {
    case bytes, streamed, stalled
  }

  /// Gives one chunk, then nothing until it is cancelled.
  struct StalledSource: HTTPBodySource {
    var isFirst = true

    mutating func next() async throws -> [UInt8]? {
      if !isFirst { try await Task.sleep(for: .seconds(600)) }
      isFirst = false
      return [UInt8](repeating: 1, count: 100)
    }
  }

  @Test(arguments: Early.allCases, Sent.allCases)
  func anEarlyAnswerEndsAnUpload(early: Early, sent: Sent) async throws {
    let length = Self.large
    try await withServer { connection in
      guard let head = try connection.receiveHead() else { return }
      if head.length != Int(length) { return try connection.respond(200, "next") }
      switch early {
      case .refusesAndKeepsOpen:
        try connection.respond(413, "too large")
        Gate().wait(seconds: 3)
      case .refusesAndCloses:
        try connection.respond(413, "too large")
      case .refusesAndReads:
        try connection.respond(413, "too large")
        try connection.waitForClose()
      case .acceptsAndKeepsOpen:
        try connection.respond(200, "enough")
        Gate().wait(seconds: 3)
      case .acceptsAndReads:
        try connection.respond(200, "enough")
        try connection.drain(head.length)
        try connection.serve { _ in "next" }
      case .refusesChunked:
        try connection.send("HTTP/1.1 401 No\r\ntransfer-encoding: chunked\r\n\r\n3\r\nwho\r\n0\r\n\r\n")
        Gate().wait(seconds: 3)
      }
    } _: { server, client in
      let body =
        switch sent {
        case .bytes: HTTPBody.bytes([UInt8](repeating: 1, count: Int(length)))
        case .streamed: HTTPBody.stream(length: length) { PatternSource(left: length, chunk: 256 << 10) }
        case .stalled: HTTPBody.stream(length: length) { StalledSource() }
        }
      let limits = HTTPLimits(idle: .seconds(20))
      let request = HTTPRequest(method: "POST", url: server.url, body: body, limits: limits)
      let response = try await client.send(request)
      switch early {
      case .refusesAndKeepsOpen, .refusesAndCloses, .refusesAndReads: #expect(response.head.status == 413)
      case .acceptsAndKeepsOpen, .acceptsAndReads: #expect(response.head.status == 200)
      case .refusesChunked: #expect(response.head.status == 401)
      }
      // The connection with half a body on it must not serve another request.
      #expect(try await text(client.send(HTTPRequest(url: server.url)).body) == "next")
    }
  }

  /// A server that answers without reading on and closes resets the connection under the sender. The kernel may report
  /// the reset before the answer could be read; then the request is lost, and never anything else.
  @Test func anEarlyAnswerAndAResetRace() async throws {
    try await withServer { connection in
      guard try connection.receiveHead() != nil else { return }
      try connection.drain(100_000)
      try connection.respond(401, "who")
    } _: { server, client in
      let body = [UInt8](repeating: 1, count: 4 << 20)
      var answered = 0
      for _ in 0..<100 {
        do throws(HTTPError) {
          let request = HTTPRequest(method: "POST", url: server.url, body: .bytes(body))
          let response = try await client.send(request)
          #expect(response.head.status == 401)
          answered += 1
        } catch {
          #expect(error.kind == .connectionLost(.duringRequest))
          #expect(error.requestMayHaveBeenSent)
        }
      }
      #expect(answered > 50)
    }
  }

  @Test(arguments: [(90, "90 instead of the announced 100 bytes"), (110, "more than the announced 100 bytes")])
  func aSourceOfTheWrongLengthFails(given: Int64, text: String) async throws {
    let got = Tally()
    try await withServer { connection in
      guard let head = try connection.receiveHead() else { return }
      try connection.drain(head.length) { got.add($0.count) }
      try connection.respond()
    } _: { server, client in
      let body = HTTPBody.stream(length: 100) { PatternSource(left: given, chunk: 10) }
      let error = try await failure { () async throws(HTTPError) in
        try await client.send(HTTPRequest(method: "POST", url: server.url, body: body))
      }
      #expect(error.kind == .bodySource)
      #expect(error.message.contains(text))
      #expect(error.requestMayHaveBeenSent)
    }
    #expect(got.value < 100)
  }

  struct Broken: Error {}

  struct FailingSource: HTTPBodySource {
    var left = 3

    mutating func next() async throws -> [UInt8]? {
      left -= 1
      if left == 0 { throw Broken() }
      return [1, 2, 3]
    }
  }

  @Test func aFailingSourceFailsTheRequest() async throws {
    try await withServer {
      _ = try $0.receiveRequest()
    } _: { server, client in
      let error = try await failure { () async throws(HTTPError) in
        try await client.send(
          HTTPRequest(method: "POST", url: server.url, body: .stream(length: 1000) { FailingSource() }))
      }
      #expect(error.kind == .bodySource)
      #expect(error.underlying is Broken)
    }
  }

  @Test func aSourceThatStallsEndsInTheIdleLimit() async throws {
    try await withServer {
      _ = try $0.receiveRequest()
    } _: { server, client in
      let error = try await failure { () async throws(HTTPError) in
        try await client.send(
          HTTPRequest(
            method: "POST", url: server.url, body: .stream(length: 1000) { StalledSource() },
            limits: HTTPLimits(idle: .milliseconds(300))))
      }
      #expect(error.kind == .idleTimeout)
      #expect(error.message.contains("source of its body"))
    }
  }

  @Test func cancellingAnUploadStopsItsSource() async throws {
    let made = Tally()
    try await withServer {
      try $0.waitForClose()
    } _: { server, client in
      let url = server.url
      let task = Task {
        try await client.send(
          HTTPRequest(
            method: "POST", url: url,
            body: .stream(length: 1 << 40) { PatternSource(left: 1 << 40, chunk: 64 << 10, made: made) }))
      }
      while made.value < 4 << 20 { try await Task.sleep(for: .milliseconds(1)) }
      task.cancel()
      let error = await #expect(throws: HTTPError.self) { try await task.value }
      #expect(error?.kind == .cancelled)
      #expect(error?.requestMayHaveBeenSent == true)
      let after = made.value
      try await Task.sleep(for: .milliseconds(50))
      // One chunk may have been under way.
      #expect(made.value <= after + (64 << 10))
    }
  }
}
