import BatchCore
import Testing
import Wire

@testable import Providers

/// Gemini's operations, results, usage and errors.
@Suite(.timeLimit(.minutes(4)))
struct GeminiRecordedTests {
  private static func operation(_ state: String, _ metadata: String, done: String) -> String {
    #"""
    {"name":"batches/123","metadata":{"@type":"type.googleapis.com/google.ai.generativelanguage.v1main.GenerateContentBatch",
     "displayName":"01HX","state":"\#(state)","model":"models/gemini-3.8-flash","createTime":"2026-11-23T10:00:00.123456789Z",
     "updateTime":"2026-11-23T10:00:01Z"\#(metadata)},"done":\#(done)}
    """#
  }

  private static let output = #","endTime":"2026-11-23T11:00:00Z","output":{"responsesFile":"files/out"}"#

  @Test(
    arguments: [
      (GeminiSamples.running, .running, [2, 0, 0], "files/out", nil),
      (operation("BATCH_STATE_PENDING", "", done: "false"), .queued, nil, nil, nil),
      (
        operation(
          "BATCH_STATE_SUCCEEDED",
          #","inputConfig":{"fileName":"files/in"},"batchStats":{"requestCount":"4","successfulRequestCount":"3","failedRequestCount":"1","pendingRequestCount":"0"}\#(output)"#,
          done: "true"), .completed, [4, 3, 1], "files/out", "files/in"
      ),
      // Numbers may be numbers.
      (
        operation(
          "JOB_STATE_PARTIALLY_SUCCEEDED", #","batchStats":{"requestCount":4,"successfulRequestCount":3}\#(output)"#,
          done: "true"), .completed, [4, 3, 0], "files/out", nil
      ),
      // What was done before the end is kept.
      (operation("BATCH_STATE_CANCELLED", output, done: "true"), .cancelled, nil, "files/out", nil),
      (operation("BATCH_STATE_EXPIRED", output, done: "true"), .expired, nil, "files/out", nil),
      (
        operation("JOB_STATE_DREAMING", output, done: "true"), .unrecognised("JOB_STATE_DREAMING"), nil, "files/out",
        nil
      ),
    ] as [(String, BatchState, [Int]?, String?, String?)])
  func operations(
    _ operation: String, _ state: BatchState, _ counts: [Int]?, _ output: String?, _ input: String?
  ) throws {
    var expected = BatchSnapshot(id: "batches/123", state: state)
    expected.label = "01HX"
    expected.inputFileID = input
    expected.outputFileID = output
    expected.counts = counts.map { BatchSnapshot.Counts(total: $0[0], completed: $0[1], failed: $0[2]) }
    expected.createdAt = Timestamp(milliseconds: 1_795_428_000_123)
    for text in try RecordedAPI.bothWays(operation) { #expect(try RecordedAPI.gemini.snapshot(text) == expected) }
  }

  /// Why a whole batch failed is known of other providers by another name.
  @Test(
    arguments: [
      (#""code":8,"message":"m""#, "rate_limit_exceeded", .resubmitLater),
      (#""code":13,"message":"m""#, "server_error", .resubmitLater),
      (#""code":429,"status":"RESOURCE_EXHAUSTED","message":"m","details":[]"#, "rate_limit_exceeded", .resubmitLater),
      (#""code":16,"message":"m""#, "authentication_error", .accountClosed(.unauthorised)),
      (#""code":7,"message":"m""#, "permission_denied", .accountClosed(.unauthorised)),
    ] as [(String, String, BatchDisposition)])
  func failures(_ error: String, _ code: String, _ disposition: BatchDisposition) throws {
    let operation =
      #"{"name":"batches/123","metadata":{"state":"BATCH_STATE_FAILED"},"done":true,"error":{\#(error)}}"#
    for text in try RecordedAPI.bothWays(operation) {
      let found = try #require(try RecordedAPI.gemini.snapshot(text))
      #expect(found.state == .failed)
      #expect(found.problems.map(\.code) == [code])
      #expect(BatchFailure.disposition(of: found.problems, rowCount: 9, halvings: 0) == disposition)
    }
  }

  /// Of files, and of what travels in the batch itself.
  @Test func resultLines() async throws {
    let recorded = try await RecordedAPI.gemini.results(GeminiSamples.results)
    let newer = try await RecordedAPI.gemini.results(try GeminiSamples.results.map(RecordedAPI.withUnknownMembers))
    for results in [recorded, newer] {
      #expect(results.map(\.customID) == ["r-1", "r-2", "r-3", "r-4"])
      #expect(results.map(\.disposition) == [.succeeded, .notExecuted(.cancelled), .succeeded, .rejected])
      let usage = Usage(inputTokens: 100, cachedInputTokens: 50, outputTokens: 12)
      #expect(results.map(\.usage) == [usage, nil, usage, nil])
    }
    let answer = try RecordedAPI.withUnknownMembers(GeminiSamples.answer)
    #expect(newer[0].bodyText == answer)
    #expect(newer[2].bodyText == answer)
  }

  /// The codes of lines are those of Google's APIs, or statuses of HTTP.
  @Test(
    arguments: [
      (1, .notExecuted(.cancelled)), (2, .retryable(retryAfter: nil)), (3, .rejected),
      (4, .retryable(retryAfter: nil)), (5, .rejected), (7, .accountClosed(.unauthorised)),
      (8, .rateLimited(retryAfter: nil)), (9, .rejected), (10, .retryable(retryAfter: nil)), (11, .rejected),
      (13, .retryable(retryAfter: nil)), (14, .retryable(retryAfter: nil)), (15, .retryable(retryAfter: nil)),
      (16, .accountClosed(.unauthorised)), (17, .retryable(retryAfter: nil)), (400, .rejected),
      (402, .accountClosed(.billing)), (429, .rateLimited(retryAfter: nil)), (503, .retryable(retryAfter: nil)),
    ] as [(Int, Disposition)])
  func codesOfLines(_ code: Int, _ expected: Disposition) async throws {
    for error in [
      #"{"code":\#(code),"message":"m"}"#, #"{"code":\#(code),"message":"m","details":[{"@type":"x"}]}"#,
    ] {
      for text in try RecordedAPI.bothWays(#"{"key":"r-1","error":\#(error)}"#) {
        let results = try await RecordedAPI.gemini.results([text])
        #expect(results.map(\.disposition) == [expected])
      }
    }
  }

  /// What its own clients try again, what money is about, and what nobody knows.
  @Test(
    arguments: [
      (408, "DEADLINE_EXCEEDED", .retryable(retryAfter: nil)),
      (429, "RESOURCE_EXHAUSTED", .rateLimited(retryAfter: nil)),
      (500, "INTERNAL", .retryable(retryAfter: nil)), (502, "UNAVAILABLE", .retryable(retryAfter: nil)),
      (503, "UNAVAILABLE", .retryable(retryAfter: nil)), (504, "DEADLINE_EXCEEDED", .retryable(retryAfter: nil)),
      (402, "BRAND_NEW", .accountClosed(.billing)), (400, "BRAND_NEW", .rejected),
      (503, "BRAND_NEW", .retryable(retryAfter: nil)),
    ] as [(Int, String, Disposition)])
  func errors(_ status: Int, _ name: String, _ expected: Disposition) async throws {
    let error = GeminiSamples.error(status, name)
    // Alone, and as the only element of a list.
    for body in [error, "[\(error)]"] {
      for text in try RecordedAPI.bothWays(body) {
        let outcome = await RecordedAPI.gemini.call(status, text)
        #expect(outcome.disposition == expected)
        #expect(outcome.response?.body == Array(text.utf8))
      }
    }
  }

  @Test(arguments: [
    (
      #"{"promptTokenCount":100,"cachedContentTokenCount":64,"candidatesTokenCount":40,"thoughtsTokenCount":25,"toolUsePromptTokenCount":10,"totalTokenCount":175}"#,
      Usage(inputTokens: 110, cachedInputTokens: 64, outputTokens: 65)
    ),
    (
      #"{"promptTokenCount":"100","cachedContentTokenCount":"64","candidatesTokenCount":"40","thoughtsTokenCount":"25","totalTokenCount":"165"}"#,
      Usage(inputTokens: 100, cachedInputTokens: 64, outputTokens: 65)
    ),
    (
      #"{"promptTokenCount":100,"cachedContentTokenCount":null,"candidatesTokenCount":null,"thoughtsTokenCount":25}"#,
      Usage(inputTokens: 100, outputTokens: 25)
    ),
  ])
  func usages(_ usage: String, _ expected: Usage) async throws {
    for text in try RecordedAPI.bothWays(#"{"candidates":[],"usageMetadata":\#(usage)}"#) {
      #expect(await RecordedAPI.gemini.call(200, text).usage == expected)
    }
  }

  @Test(arguments: [
    ("STOP", "stop"), ("MAX_TOKENS", "length"), ("SAFETY", "content_filter"), ("RECITATION", "content_filter"),
    ("LANGUAGE", "content_filter"), ("BLOCKLIST", "content_filter"), ("PROHIBITED_CONTENT", "content_filter"),
    ("SPII", "content_filter"), ("OTHER", "stop"), ("MALFORMED_FUNCTION_CALL", "stop"), ("BRAND_NEW", "stop"),
  ])
  func finishReasons(_ reason: String, _ expected: String) throws {
    for text in try RecordedAPI.bothWays(#"{"candidates":[{"content":{"parts":[]},"finishReason":"\#(reason)"}]}"#) {
      let bytes = GenerateTranslation().answer(Array(text.utf8), isSuccess: true, created: 0)
      let choice = try JSONSlice.parse(bytes)["choices"]?.elements.first { _ in true }
      #expect(choice?["finish_reason"]?.string == expected)
    }
  }
}
