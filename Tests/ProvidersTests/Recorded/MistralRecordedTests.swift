import BatchCore
import Testing

@testable import Providers

/// Mistral's jobs, results, usage and errors.
@Suite(.timeLimit(.minutes(4)))
struct MistralRecordedTests {
  private static func job(_ status: String, _ more: String) -> String {
    #"""
    {"id":"UUID","object":"batch","input_files":["in-1"],"endpoint":"/v1/chat/completions","model":"mistral-small-latest",
     "agent_id":null,"metadata":{"millrace_label":"01HX"},"status":"\#(status)","created_at":1795428000,"started_at":1795428060,
     "total_requests":4,"completed_requests":4,"succeeded_requests":3,"failed_requests":1,\#(more),"outputs":null}
    """#
  }

  private static let none = #""completed_at":null,"output_file":null,"error_file":null,"errors":[]"#
  private static let both =
    #""completed_at":1795431600,"output_file":"out-1","error_file":"err-1","errors":[{"message":"Bad row.","count":1}]"#

  @Test(
    arguments: [
      ("QUEUED", .queued, false), ("RUNNING", .running, false), ("CANCELLATION_REQUESTED", .cancelling, false),
      ("SUCCESS", .completed, true), ("FAILED", .failed, true), ("TIMEOUT_EXCEEDED", .expired, true),
      ("CANCELLED", .cancelled, true), ("BRAND_NEW", .unrecognised("BRAND_NEW"), true),
    ] as [(String, BatchState, Bool)])
  func jobs(_ status: String, _ state: BatchState, _ hasFiles: Bool) throws {
    var expected = BatchSnapshot(id: "UUID", state: state)
    expected.label = "01HX"
    expected.inputFileID = "in-1"
    expected.counts = BatchSnapshot.Counts(total: 4, completed: 3, failed: 1)
    expected.createdAt = Timestamp(milliseconds: 1_795_428_000_000)
    if hasFiles {
      expected.outputFileID = "out-1"
      expected.errorFileID = "err-1"
      expected.problems = [BatchSnapshot.Problem(code: "", message: "Bad row.", line: nil)]
    }
    for text in try RecordedAPI.bothWays(Self.job(status, hasFiles ? Self.both : Self.none)) {
      #expect(try RecordedAPI.mistral.snapshot(text) == expected)
    }
  }

  @Test func resultLines() async throws {
    let lines = [
      MistralSamples.line,
      #"{"custom_id":"r-2","response":{"status_code":422,"body":\#(MistralSamples.validation)},"error":null}"#,
      #"{"custom_id":"r-3","response":{"status_code":200,"body":{}},"error":{"message":"later","type":"internal_server_error"}}"#,
      #"{"custom_id":"r-4","response":null,"error":{"message":"no","type":"brand_new"}}"#,
    ]
    let recorded = try await RecordedAPI.mistral.results(lines)
    let newer = try await RecordedAPI.mistral.results(try lines.map(RecordedAPI.withUnknownMembers))
    for results in [recorded, newer] {
      #expect(results.map(\.customID) == ["r-1", "r-2", "r-3", "r-4"])
      #expect(
        results.map(\.disposition) == [
          .succeeded, .rejected, .retryable(retryAfter: nil), .retryable(retryAfter: nil),
        ])
      #expect(results.map(\.usage) == [Usage(inputTokens: 7, outputTokens: 5), nil, nil, nil])
      #expect(
        results[1].message == "mistral answered 422 (literal_error): body.messages.0.role: Input should be 'user'")
    }
    let bodies = try recorded.map { try $0.bodyText.map(RecordedAPI.withUnknownMembers) }
    #expect(newer.map(\.bodyText) == bodies)
  }

  @Test(arguments: [
    (#"{"prompt_tokens":7,"completion_tokens":5,"total_tokens":12}"#, Usage(inputTokens: 7, outputTokens: 5)),
    (
      #"{"prompt_tokens":7,"completion_tokens":5,"total_tokens":12,"prompt_audio_seconds":3,"num_cached_tokens":4,"prompt_tokens_details":null}"#,
      Usage(inputTokens: 7, cachedInputTokens: 4, outputTokens: 5)
    ),
    (#"{"prompt_tokens":7,"total_tokens":7}"#, Usage(inputTokens: 7)),
  ])
  func usages(_ usage: String, _ expected: Usage) async throws {
    for text in try RecordedAPI.bothWays(#"{"id":"c","choices":[],"usage":\#(usage)}"#) {
      #expect(await RecordedAPI.mistral.call(200, text).usage == expected)
    }
  }

  @Test(
    arguments: [
      (422, MistralSamples.validation, .rejected), (422, #"{"detail":"Not valid."}"#, .rejected),
      (400, #"{"object":"error","message":"Invalid model","type":"invalid_model","code":"1500"}"#, .rejected),
      (401, #"{"message":"Unauthorized"}"#, .accountClosed(.unauthorised)),
      (402, #"{"detail":"Payment required"}"#, .accountClosed(.billing)),
      (404, #"{"detail":"Not found"}"#, .rejected),
      (
        429, #"{"object":"error","message":"Rate limit exceeded","type":"rate_limited","param":null,"code":"1300"}"#,
        .rateLimited(retryAfter: .milliseconds(1500))
      ),
      (
        500, #"{"object":"error","message":"m","type":"brand_new","code":"9999"}"#,
        .retryable(retryAfter: .milliseconds(1500))
      ),
    ] as [(Int, String, Disposition)])
  func errors(_ status: Int, _ body: String, _ expected: Disposition) async throws {
    for text in try RecordedAPI.bothWays(body) {
      let outcome = await RecordedAPI.mistral.call(status, text, [("retry-after-ms", "1500"), ("retry-after", "9")])
      #expect(outcome.disposition == expected)
      #expect(outcome.response?.body == Array(text.utf8))
    }
  }
}
