import BatchCore
import Providers

/// A transport that answers from a script and keeps what it was sent.
actor ScriptedHTTP: HTTPExchanging {
  enum Step {
    case answer(Int, [HTTPExchange.Header] = [], String = "")
    case bytes(Int, [UInt8])
    case fail(HTTPExchange.Failure)
    /// For `open`: chunks, then perhaps a failure.
    case stream(Int, [[UInt8]], HTTPExchange.Failure? = nil)
  }

  struct Sent {
    var request: HTTPExchange.Request
    var body: [UInt8]
    /// What the request declared for a streamed body.
    var declaredLength: Int64?

    func header(_ name: String) -> String? {
      HTTPExchange.Response(status: 0, headers: request.headers).header(name)
    }

    var line: String { "\(request.method) \(request.url)" }
    var text: String { String(decoding: body, as: UTF8.self) }
  }

  private var steps: ArraySlice<Step>
  private(set) var sent: [Sent] = []

  init(_ steps: Step...) {
    self.steps = steps[...]
  }

  func add(_ step: Step) { steps.append(step) }

  func send(_ request: HTTPExchange.Request) async throws(HTTPExchange.Failure) -> HTTPExchange.Response {
    try await record(request)
    switch steps.popFirst() {
    case .answer(let status, let headers, let body):
      return HTTPExchange.Response(status: status, headers: headers, body: Array(body.utf8))
    case .bytes(let status, let body): return HTTPExchange.Response(status: status, body: body)
    case .fail(let failure): throw failure
    case .stream, nil: throw unexpected(request)
    }
  }

  func open(_ request: HTTPExchange.Request) async throws(HTTPExchange.Failure) -> HTTPExchange.OpenResponse {
    try await record(request)
    switch steps.popFirst() {
    case .stream(let status, let chunks, let failure):
      return HTTPExchange.OpenResponse(status: status, headers: [], body: Chunks(chunks, failure))
    case .fail(let failure): throw failure
    case .answer, .bytes, nil: throw unexpected(request)
    }
  }

  private func record(_ request: HTTPExchange.Request) async throws(HTTPExchange.Failure) {
    var body: [UInt8] = []
    var length: Int64?
    switch request.body {
    case .bytes(let bytes): body = bytes
    case .segments(let segments): body = Array(segments.joined())
    case .stream(let declared, let source):
      length = declared
      while let chunk = try await source.next() { body += chunk }
    case nil: break
    }
    sent.append(Sent(request: request, body: body, declaredLength: length))
  }

  private func unexpected(_ request: HTTPExchange.Request) -> HTTPExchange.Failure {
    HTTPExchange.Failure(.unreachable, requestMayHaveBeenSent: false, message: "not in the script: \(request)")
  }
}

actor Chunks: HTTPExchange.ByteSource {
  private var chunks: ArraySlice<[UInt8]>
  private let failure: HTTPExchange.Failure?

  init(_ chunks: [[UInt8]], _ failure: HTTPExchange.Failure? = nil) {
    self.chunks = chunks[...]
    self.failure = failure
  }

  func next() async throws(HTTPExchange.Failure) -> [UInt8]? {
    if let chunk = chunks.popFirst() { return chunk }
    if let failure { throw failure }
    return nil
  }
}

/// Rows that are read once.
actor Rows: BatchRowSource, BatchRows {
  struct Broken: Error {}
  private var chunks: ArraySlice<[BatchRow]>
  private let isBroken: Bool

  init(_ chunks: [[BatchRow]], isBroken: Bool = false) {
    self.chunks = chunks[...]
    self.isBroken = isBroken
  }

  nonisolated func source() -> any BatchRowSource { self }

  func next() async throws -> [BatchRow]? {
    if let chunk = chunks.popFirst() { return chunk }
    if isBroken { throw Broken() }
    return nil
  }
}

let testNow = Timestamp(milliseconds: 1_790_000_000_000)
let testSecret = "sk-test-0123456789abcdef"

func makeProvider(
  _ http: any HTTPExchanging, endpoint: String = "https://api.example.test/v1/",
  _ change: (inout OpenAIConfiguration) -> Void = { _ in }
) -> OpenAIProvider {
  var configuration = OpenAIConfiguration(
    name: "openai", endpoint: endpoint, apiKeys: [APIKey(secret: testSecret, fingerprint: "aabbccdd")])
  change(&configuration)
  return OpenAIProvider(configuration: configuration, http: http) { testNow }
}

func makeBody(_ text: String, model: String) -> RequestBody {
  let bytes = Array(text.utf8)
  let quoted = Array("\"\(model)\"".utf8)
  let start = bytes.indices.first { bytes[$0...].starts(with: quoted) } ?? 0
  return RequestBody(bytes: bytes, modelRange: start..<start + quoted.count)
}

func failure(_ kind: HTTPExchange.Failure.Kind, sent: Bool) -> HTTPExchange.Failure {
  HTTPExchange.Failure(kind, requestMayHaveBeenSent: sent, message: "it went wrong")
}

/// The error that an operation throws, if it throws one.
func errorOf<Value>(_ operation: () async throws(ProviderError) -> Value) async -> ProviderError? {
  do {
    _ = try await operation()
    return nil
  } catch {
    return error
  }
}
