import BatchCore
import Testing

@testable import Providers

/// Anthropic's batches, results, usage, limits and errors.
@Suite(.timeLimit(.minutes(4)))
struct AnthropicRecordedTests {
  private static let created = Timestamp(milliseconds: 1_795_428_000_000)

  private static func batch(_ status: String, counts: String, _ more: String) -> String {
    #"""
    {"id":"msgbatch_1","type":"message_batch","processing_status":"\#(status)","request_counts":\#(counts),
     "created_at":"2026-11-23T10:00:00Z","expires_at":"2026-11-24T10:00:00Z",\#(more)}
    """#
  }

  private static func ended(_ counts: String, _ more: String) -> String {
    batch("ended", counts: counts, #""ended_at":"2026-11-23T11:00:00Z",\#(more)"#)
  }

  private static let results = #""results_url":"https://api.anthropic.com/v1/messages/batches/msgbatch_1/results""#
  private static let expired = #"{"processing":0,"succeeded":1,"errored":1,"canceled":0,"expired":3}"#
  private static let cancelled = #"{"processing":0,"succeeded":1,"errored":1,"canceled":3,"expired":0}"#

  @Test(
    arguments: [
      (MessageSamples.running, .running, [1, 0, 0], false),
      // Nothing is counted before the end.
      (
        batch(
          "canceling", counts: #"{"processing":5,"succeeded":0,"errored":0,"canceled":0,"expired":0}"#,
          #""cancel_initiated_at":"2026-11-23T10:30:00Z","results_url":null"#), .cancelling, [5, 0, 0], false
      ),
      (ended(expired, #""cancel_initiated_at":null,\#(results)"#), .expired, [5, 1, 1], true),
      (ended(cancelled, #""cancel_initiated_at":"2026-11-23T10:30:00Z",\#(results)"#), .cancelled, [5, 1, 1], true),
      (
        ended(#"{"processing":0,"succeeded":4,"errored":1,"canceled":0,"expired":0}"#, results), .completed, [5, 4, 1],
        true
      ),
      // After 29 days the results are gone.
      (
        ended(expired, #""archived_at":"2026-12-22T10:00:00Z","results_url":null"#), .expired, [5, 1, 1], false
      ),
      (batch("dreaming", counts: expired, results), .unrecognised("dreaming"), [5, 1, 1], false),
    ] as [(String, BatchState, [Int], Bool)])
  func batches(_ batch: String, _ state: BatchState, _ counts: [Int], _ hasResults: Bool) throws {
    var expected = BatchSnapshot(id: "msgbatch_1", state: state)
    expected.counts = BatchSnapshot.Counts(total: counts[0], completed: counts[1], failed: counts[2])
    expected.createdAt = Self.created
    expected.expiresAt = Self.created + .seconds(86_400)
    expected.outputFileID = hasResults ? "msgbatch_1" : nil
    for text in try RecordedAPI.bothWays(batch) { #expect(try RecordedAPI.anthropic.snapshot(text) == expected) }
  }

  @Test func resultLines() async throws {
    let recorded = try await RecordedAPI.anthropic.results(MessageSamples.results)
    let newer = try await RecordedAPI.anthropic.results(
      try MessageSamples.results.map(RecordedAPI.withUnknownMembers))
    for results in [recorded, newer] {
      #expect(results.map(\.customID) == ["r-1", "r-2", "r-3", "r-4"])
      #expect(
        results.map(\.disposition) == [.succeeded, .rejected, .notExecuted(.cancelled), .notExecuted(.expired)])
      #expect(results.map(\.usage) == [Usage(inputTokens: 10, outputTokens: 5), nil, nil, nil])
      #expect(results.map(\.response?.requestID) == [nil, "req_1", nil, nil])
    }
    // What is not known passes through.
    let bodies = try recorded.map { try $0.bodyText.map(RecordedAPI.withUnknownMembers) }
    #expect(newer.map(\.bodyText) == bodies)
  }

  /// The type of an error stands two deep, and means what it means with a status.
  @Test(
    arguments: [
      ("invalid_request_error", 400, .rejected), ("authentication_error", 401, .accountClosed(.unauthorised)),
      ("billing_error", 402, .accountClosed(.billing)), ("permission_error", 403, .accountClosed(.unauthorised)),
      ("not_found_error", 404, .rejected), ("conflict_error", 409, .retryable(retryAfter: nil)),
      ("request_too_large", 413, .rejected), ("rate_limit_error", 429, .rateLimited(retryAfter: nil)),
      ("api_error", 500, .retryable(retryAfter: nil)), ("timeout_error", 504, .retryable(retryAfter: nil)),
      ("overloaded_error", 529, .retryable(retryAfter: nil)), ("brand_new_error", 500, .retryable(retryAfter: nil)),
    ] as [(String, Int, Disposition)])
  func errors(_ type: String, _ status: Int, _ expected: Disposition) async throws {
    for details in ["", #","details":null"#, #","details":{"error_code":"brand_new"}"#] {
      for text in try RecordedAPI.bothWays(MessageSamples.error(type, details)) {
        let line = #"{"custom_id":"r","result":{"type":"errored","error":\#(text)}}"#
        let result = try await RecordedAPI.anthropic.results([line]).first
        #expect(result?.disposition == expected)
        #expect(result?.response?.statusCode == status)
        #expect(result?.bodyText == text)
        #expect(await RecordedAPI.anthropic.call(status, text).disposition == expected)
      }
    }
  }

  /// A limit on speed passes; one on money does not, and neither does a hold.
  @Test(
    arguments: [
      (429, "rate_limit_error", "ramp_limit_exceeded", "m", .rateLimited(retryAfter: .seconds(7))),
      (429, "rate_limit_error", "enforced_spend_limit_reached", "m", .accountClosed(.billing)),
      (429, "rate_limit_error", "contract_spend_limit_reached", "m", .accountClosed(.billing)),
      (400, "invalid_request_error", "organization_on_hold", "m", .accountClosed(.billing)),
      (
        400, "invalid_request_error", "",
        "You have reached your specified API usage limits. You will regain access on 2026-12-01.",
        .accountClosed(.billing)
      ),
    ] as [(Int, String, String, String, Disposition)])
  func limitsOfTheAccount(
    _ status: Int, _ type: String, _ code: String, _ message: String, _ expected: Disposition
  ) async throws {
    let details = code.isEmpty ? "null" : #"{"error_code":"\#(code)"}"#
    let body =
      #"{"type":"error","error":{"type":"\#(type)","message":"\#(message)","details":\#(details)},"request_id":"req_1"}"#
    for text in try RecordedAPI.bothWays(body) {
      let outcome = await RecordedAPI.anthropic.call(status, text, [("retry-after", "7"), ("request-id", "req_2")])
      #expect(outcome.disposition == expected)
      #expect(outcome.response?.requestID == "req_2")
    }
  }

  @Test(arguments: [
    (
      #"{"input_tokens":10,"cache_creation_input_tokens":30,"cache_read_input_tokens":50,"output_tokens":5,"cache_creation":{"ephemeral_5m_input_tokens":20,"ephemeral_1h_input_tokens":10},"output_tokens_details":{"thinking_tokens":3},"server_tool_use":{"web_search_requests":1,"web_fetch_requests":0},"service_tier":"batch","speed":"standard","inference_geo":"us"}"#,
      Usage(inputTokens: 90, cachedInputTokens: 50, cacheWriteTokens: 30, outputTokens: 5, longCacheWriteTokens: 10)
    ),
    (
      #"{"input_tokens":10,"cache_creation_input_tokens":null,"cache_read_input_tokens":null,"output_tokens":5,"cache_creation":null,"output_tokens_details":null,"server_tool_use":null,"service_tier":null}"#,
      Usage(inputTokens: 10, outputTokens: 5)
    ),
  ])
  func usages(_ usage: String, _ expected: Usage) async throws {
    for text in try RecordedAPI.bothWays(#"{"id":"msg_1","type":"message","content":[],"usage":\#(usage)}"#) {
      #expect(await RecordedAPI.anthropic.call(200, text).usage == expected)
    }
  }

  /// All that it sends with a refusal: resets are moments, and no wait; what was bought with a priority is another limit.
  @Test func limits() async {
    var headers: [HTTPExchange.Header] = [("anthropic-priority-input-tokens-remaining", "1")]
    for (kind, left) in [("requests", "0"), ("tokens", "47000"), ("input-tokens", "39000"), ("output-tokens", "8000")] {
      headers.append(("anthropic-ratelimit-\(kind)-limit", "50000"))
      headers.append(("anthropic-ratelimit-\(kind)-remaining", left))
      headers.append(("anthropic-ratelimit-\(kind)-reset", "2026-09-21T14:14:20Z"))
    }
    let outcome = await RecordedAPI.anthropic.call(429, MessageSamples.error("rate_limit_error"), headers)
    #expect(outcome.disposition == .rateLimited(retryAfter: nil))
    func level(_ left: Int64) -> RateLevel { RateLevel(limit: 50_000, remaining: left) }
    #expect(
      outcome.pace
        == PaceObservation(requests: level(0), tokens: nil, inputTokens: level(39_000), outputTokens: level(8000)))
    let together = await RecordedAPI.anthropic.call(200, "{}", Array(headers.prefix(7)))
    #expect(together.pace == PaceObservation(requests: level(0), tokens: level(47_000)))
  }
}
