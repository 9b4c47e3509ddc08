import CurlHTTP
import Testing

/// Connections that break, and servers that speak something else.
@Suite(.timeLimit(.minutes(4)))
struct LossTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var name: String
    var answer: String
    var resets = false
    var kind: HTTPError.Kind

    var testDescription: String { name }
  }

  static let cases: [Case] = [
    Case(name: "nothing", answer: "", kind: .connectionLost(.duringRequest)),
    Case(name: "a reset", answer: "", resets: true, kind: .connectionLost(.duringRequest)),
    Case(
      name: "half a body", answer: "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc",
      kind: .connectionLost(.duringResponse)),
    Case(
      name: "half a chunked body", answer: "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nabc",
      kind: .connectionLost(.duringResponse)),
    Case(
      name: "no last chunk", answer: "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n",
      kind: .connectionLost(.duringResponse)),
    Case(name: "no HTTP", answer: "SSH-2.0-OpenSSH\r\n\r\n", kind: .protocolError),
    Case(name: "a strange version", answer: "HTTP/7.3 200 OK\r\n\r\n", kind: .protocolError),
    Case(name: "a strange length", answer: "HTTP/1.1 200 OK\r\ncontent-length: -7\r\n\r\n", kind: .protocolError),
    Case(
      name: "a huge length", answer: "HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999999\r\n\r\n",
      kind: .responseTooLarge),
    Case(
      name: "a strange chunk size", answer: "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nabc",
      kind: .connectionLost(.duringResponse)),
    Case(name: "half a head", answer: "HTTP/1.1 200 OK\r\nx-a: 1\r\n", kind: .connectionLost(.duringResponse)),
    Case(
      name: "only an informational head", answer: "HTTP/1.1 100 Continue\r\n\r\n",
      kind: .connectionLost(.duringResponse)),
    Case(name: "a folded first line", answer: "HTTP/1.1 200 OK\r\n what\r\n\r\n", kind: .protocolError),
    Case(name: "a header without a colon", answer: "HTTP/1.1 200 OK\r\nwhat\r\n\r\n", kind: .protocolError),
  ]

  @Test(arguments: cases) func anAnswerThatIsNone(_ scenario: Case) async throws {
    try await withServer { connection in
      _ = try connection.receiveRequest()
      try connection.send(scenario.answer)
      if scenario.resets { connection.closeWithReset() }
    } _: { server, client in
      let error = try await failure { () async throws(HTTPError) in
        try await client.send(HTTPRequest(method: "POST", url: server.url, body: .bytes([1])))
      }
      #expect(error.kind == scenario.kind, "\(error.message)")
      #expect(error.requestMayHaveBeenSent)
      #expect(error.message.contains(server.url))
    }
  }

  /// Random bytes after a valid start, and mutations of a valid answer: every one must end in a response or an error.
  @Test func mutatedAnswersAlwaysEnd() async throws {
    let valid = Array("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nx-a: b\r\n\r\n4\r\nabcd\r\n0\r\n\r\n".utf8)
    try await withServer { connection in
      guard let request = try connection.receiveRequest() else { return }
      var random = SeededRandom(seed: UInt64(request.headers["x-seed"] ?? "0") ?? 0)
      var answer = valid
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        let place = Int.random(in: 0..<answer.count, using: &random)
        switch Int.random(in: 0..<3, using: &random) {
        case 0: answer[place] = UInt8.random(in: 0...255, using: &random)
        case 1: answer.remove(at: place)
        default: answer.insert(UInt8.random(in: 0...255, using: &random), at: place)
        }
      }
      try connection.send(answer)
    } _: { server, client in
      for seed in 1...400 {
        let request = HTTPRequest(
          url: server.url, headers: [("x-seed", "\(seed)")], limits: HTTPLimits(idle: .seconds(10)))
        do throws(HTTPError) {
          let response = try await client.send(request)
          #expect(response.body.count <= valid.count)
        } catch {
          #expect(error.kind != .internalError && error.kind != .idleTimeout, "seed \(seed): \(error)")
        }
      }
    }
  }

  @Test func anErrorHasALabelAndNoSecret() async throws {
    try await withServer { connection in
      _ = try connection.receiveRequest()
    } _: { server, client in
      let url = "http://user:secret@127.0.0.1:\(server.port)/secret?key=secret#secret"
      let error = try await failure { () async throws(HTTPError) in
        try await client.send(HTTPRequest(url: url, headers: [("Authorization", "Bearer secret")]))
      }
      #expect(error.kind.metricLabel == "connection_lost_request")
      #expect(!"\(error)".contains("secret"))
    }
  }
}

/// A small generator with a seed, so that a failure can be repeated.
struct SeededRandom: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 }

  mutating func next() -> UInt64 {
    state = state &+ 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}
