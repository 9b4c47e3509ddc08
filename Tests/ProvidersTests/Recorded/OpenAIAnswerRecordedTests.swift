import BatchCore
import Testing

@testable import Providers

/// OpenAI's lines of results, usage, limits and errors.
@Suite(.timeLimit(.minutes(4)))
struct OpenAIAnswerRecordedTests {
  struct Line: Sendable {
    var id: String
    var text: String
    var disposition: Disposition
    var status: Int?
    var body: String?

    init(_ id: String, _ disposition: Disposition, status: Int? = nil, body: String? = nil, error: String = "null") {
      self.id = id
      self.disposition = disposition
      self.status = status
      self.body = body
      let response = body.map { #"{"status_code":\#(status ?? 0),"request_id":"req_1","body":\#($0)}"# } ?? "null"
      // The id of a line repeats, and is not ours.
      text = #"{"id":"batch_req_1","custom_id":"\#(id)","response":\#(response),"error":\#(error)}"#
    }
  }

  static let lines: [Line] = [
    Line("r-1", .succeeded, status: 200, body: #"{"object":"chat.completion"}"#),
    Line("r-2", .rejected, status: 400, body: error("invalid_request_error", "null")),
    Line("r-3", .rateLimited(retryAfter: nil), status: 429, body: error("tokens", #""rate_limit_exceeded""#)),
    Line("r-4", .retryable(retryAfter: nil), status: 500, body: error("server_error", "null")),
    Line("r-5", .accountClosed(.billing), status: 429, body: error("insufficient_quota", "null")),
    Line("r-6", .notExecuted(.expired), error: #"{"code":"batch_expired","message":"It took too long."}"#),
    Line("r-7", .retryable(retryAfter: nil), error: #"{"code":"server_error","message":"It took too long."}"#),
    Line("r-8", .retryable(retryAfter: nil), error: #"{"code":"brand_new","message":"m"}"#),
  ]

  private static func error(_ type: String, _ code: String, _ message: String = "m") -> String {
    #"{"error":{"message":"\#(message)","type":"\#(type)","param":null,"code":\#(code)}}"#
  }

  @Test func resultLines() async throws {
    for isNewer in [false, true] {
      func text(_ recorded: String) throws -> String {
        isNewer ? try RecordedAPI.withUnknownMembers(recorded) : recorded
      }
      let results = try await RecordedAPI.openAI.results(try Self.lines.map { try text($0.text) })
      #expect(results.map(\.customID) == Self.lines.map(\.id))
      #expect(results.map(\.disposition) == Self.lines.map(\.disposition))
      #expect(results.map(\.response?.statusCode) == Self.lines.map(\.status))
      #expect(results.map(\.response?.requestID) == Self.lines.map { $0.body == nil ? nil : "req_1" })
      // What is not known passes through.
      let bodies = try Self.lines.map { try $0.body.map(text) }
      #expect(results.map(\.bodyText) == bodies)
    }
  }

  @Test(arguments: [
    (
      #"{"prompt_tokens":100,"completion_tokens":40,"total_tokens":140,"prompt_tokens_details":{"cached_tokens":64,"cache_write_tokens":0,"audio_tokens":0,"image_tokens":0,"text_tokens":100},"completion_tokens_details":{"reasoning_tokens":25,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0,"text_tokens":15}}"#,
      Usage(inputTokens: 100, cachedInputTokens: 64, outputTokens: 40)
    ),
    (
      #"{"prompt_tokens":100,"completion_tokens":40,"total_tokens":140,"prompt_tokens_details":{"cached_tokens":64,"cache_write_tokens":20}}"#,
      Usage(inputTokens: 100, cachedInputTokens: 64, cacheWriteTokens: 20, outputTokens: 40)
    ),
    (
      #"{"prompt_tokens":100,"completion_tokens":40,"total_tokens":140,"prompt_tokens_details":{"cached_tokens":null,"cache_write_tokens":null,"audio_tokens":null},"completion_tokens_details":{"reasoning_tokens":null}}"#,
      Usage(inputTokens: 100, outputTokens: 40)
    ),
    (
      #"{"input_tokens":100,"input_tokens_details":{"cached_tokens":64,"cache_write_tokens":20},"output_tokens":40,"output_tokens_details":{"reasoning_tokens":25},"total_tokens":140}"#,
      Usage(inputTokens: 100, cachedInputTokens: 64, cacheWriteTokens: 20, outputTokens: 40)
    ),
    (#"{"prompt_tokens":8,"total_tokens":8}"#, Usage(inputTokens: 8)),
  ])
  func usages(_ usage: String, _ expected: Usage) async throws {
    for text in try RecordedAPI.bothWays(#"{"id":"c","service_tier":"priority","usage":\#(usage)}"#) {
      let outcome = await RecordedAPI.openAI.call(200, text)
      #expect(outcome.usage == expected)
      #expect(outcome.response?.body == Array(text.utf8))
      let line = #"{"custom_id":"r","response":{"status_code":200,"body":\#(text)},"error":null}"#
      #expect(try await RecordedAPI.openAI.results([line]).first?.usage == expected)
    }
  }

  private static let limits: [HTTPExchange.Header] = [
    ("x-ratelimit-limit-requests", "60"), ("x-ratelimit-limit-tokens", "150000"),
    ("x-ratelimit-remaining-requests", "59"), ("x-ratelimit-remaining-tokens", "149984"),
    ("x-ratelimit-reset-requests", "1s"), ("x-ratelimit-reset-tokens", "6m0s"),
  ]

  @Test func limits() async {
    func pace(_ headers: [HTTPExchange.Header]) async -> PaceObservation? {
      await RecordedAPI.openAI.call(200, "{}", headers).pace
    }
    let requests = RateLevel(limit: 60, remaining: 59)
    let tokens = RateLevel(limit: 150_000, remaining: 149_984)
    #expect(await pace(Self.limits) == PaceObservation(requests: requests, tokens: tokens))
    // The project's limit counts where it leaves less.
    for (left, expected) in [("7", RateLevel(limit: 90_000, remaining: 7)), ("149985", tokens)] {
      let project = [
        ("x-ratelimit-limit-project-tokens", "90000"), ("x-ratelimit-remaining-project-tokens", left),
      ]
      #expect(await pace(Self.limits + project)?.tokens == expected)
    }
    // Any of them may be missing.
    for (index, header) in Self.limits.enumerated() {
      var some = Self.limits
      some.remove(at: index)
      let found = await pace(some)
      #expect(found?.requests?.limit == (header.name == "x-ratelimit-limit-requests" ? nil : 60))
      #expect(found?.tokens?.remaining == (header.name == "x-ratelimit-remaining-tokens" ? nil : 149_984))
      let alone = await pace([header])
      #expect((alone == nil) == header.name.contains("reset"))
    }
  }

  /// How long to wait, from what is there: the first named wins.
  @Test func waits() async {
    var headers = Self.limits
    headers[3].value = "0"
    let body = Self.error("tokens", #""rate_limit_exceeded""#)
    for (more, expected) in [
      ([("retry-after-ms", "1500.2"), ("retry-after", "9")], Duration.milliseconds(1501)),
      ([("retry-after", "0.25")], .milliseconds(250)),
      ([("retry-after", "Mon, 21 Sep 2026 14:13:50 GMT")], .seconds(30)),
      ([], .seconds(360)),
    ] as [([HTTPExchange.Header], Duration)] {
      let outcome = await RecordedAPI.openAI.call(429, body, headers + more)
      #expect(outcome.disposition == .rateLimited(retryAfter: expected))
    }
    #expect(await RecordedAPI.openAI.call(429, body).disposition == .rateLimited(retryAfter: nil))
  }

  @Test(
    arguments: [
      (400, "invalid_request_error", "null", .rejected), (422, "invalid_request_error", "null", .rejected),
      (401, "invalid_request_error", #""invalid_api_key""#, .accountClosed(.unauthorised)),
      (403, "invalid_request_error", "null", .accountClosed(.unauthorised)),
      (404, "invalid_request_error", #""model_not_found""#, .rejected),
      (408, "timeout", "null", .retryable(retryAfter: nil)), (409, "conflict", "null", .retryable(retryAfter: nil)),
      (500, "server_error", "null", .retryable(retryAfter: nil)),
      (503, "service_unavailable_error", #""server_is_overloaded""#, .retryable(retryAfter: nil)),
      (429, "rate_limit_error", #""slow_down""#, .rateLimited(retryAfter: nil)),
      (503, "rate_limit_error", #""slow_down""#, .rateLimited(retryAfter: nil)),
      (429, "resource_unavailable", "null", .rateLimited(retryAfter: nil)),
      (429, "brand_new", #""brand_new""#, .rateLimited(retryAfter: nil)),
      (429, "insufficient_quota", #""credit_balance_exhausted""#, .accountClosed(.billing)),
      (429, "insufficient_quota", #""organization_spend_limit_exceeded""#, .accountClosed(.billing)),
      (429, "insufficient_quota", #""project_spend_limit_exceeded""#, .accountClosed(.billing)),
      (429, "insufficient_quota", #""organization_usage_limit_exceeded""#, .accountClosed(.billing)),
      (429, "insufficient_quota", "null", .accountClosed(.billing)),
      (429, "brand_new", #""insufficient_quota""#, .accountClosed(.billing)),
    ] as [(Int, String, String, Disposition)])
  func errors(_ status: Int, _ type: String, _ code: String, _ expected: Disposition) async throws {
    for text in try RecordedAPI.bothWays(Self.error(type, code)) {
      let outcome = await RecordedAPI.openAI.call(status, text)
      #expect(outcome.disposition == expected)
      #expect(outcome.response?.body == Array(text.utf8))
    }
  }

  /// Beside the error stands more, and says nothing else.
  @Test func errorsWithADetail() async throws {
    let body =
      #"{"error":{"message":"Invalid file format.","type":"invalid_request_error","param":"file","code":null},"detail":{"error":"x"}}"#
    for text in try RecordedAPI.bothWays(body) {
      let outcome = await RecordedAPI.openAI.call(400, text)
      #expect(outcome.disposition == .rejected)
      #expect(outcome.message == "openai answered 400 (invalid_request_error): Invalid file format.")
    }
  }
}
