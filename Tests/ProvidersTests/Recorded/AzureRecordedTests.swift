import BatchCore
import Testing

@testable import Providers

/// What Azure OpenAI writes in a way of its own.
@Suite(.timeLimit(.minutes(4)))
struct AzureRecordedTests {
  /// Its samples have times as texts and counts that are null; others of its samples have numbers.
  @Test(
    arguments: [
      (#""2026-11-23T10:00:00Z""#, "null", nil),
      ("1795428000", "0", BatchSnapshot.Counts(total: 0, completed: 0, failed: 0)),
    ] as [(String, String, BatchSnapshot.Counts?)])
  func batches(_ time: String, _ count: String, _ counts: BatchSnapshot.Counts?) throws {
    let batch = #"""
      {"object":"batch","id":"batch_1","status":"Validating","endpoint":"/chat/completions","input_file_id":"file-1",
       "completion_window":"24h","created_at":\#(time),"expires_at":\#(time),"errors":null,"output_file_id":null,
       "error_file_id":null,"request_counts":{"total":\#(count),"completed":\#(count),"failed":\#(count)},
       "input_blob":null,"output_folder":{"url":null},"metadata":{"millrace_label":"run-1"}}
      """#
    var expected = BatchSnapshot(id: "batch_1", state: .queued)
    expected.label = "run-1"
    expected.inputFileID = "file-1"
    expected.counts = counts
    expected.createdAt = Timestamp(milliseconds: 1_795_428_000_000)
    expected.expiresAt = expected.createdAt
    for text in try RecordedAPI.bothWays(batch) { #expect(try RecordedAPI.azure.snapshot(text) == expected) }
  }

  /// A job that succeeds has an error file without a byte in it; one that fails may have both.
  @Test(arguments: [("Completed", BatchState.completed), ("Failed", .failed)])
  func bothFiles(_ status: String, _ state: BatchState) async throws {
    let batch = #"{"id":"batch_1","status":"\#(status)","output_file_id":"file-o","error_file_id":"file-e"}"#
    for text in try RecordedAPI.bothWays(batch) {
      let found = try #require(try RecordedAPI.azure.snapshot(text))
      #expect(found.state == state && found.outputFileID == "file-o" && found.errorFileID == "file-e")
    }
    #expect(try await RecordedAPI.azure.results([]).isEmpty)
  }

  private static func refused(_ code: String) -> Failure {
    Failure(.providerRejected, "the provider failed the batch (\(code)): because")
  }

  @Test(
    arguments: [
      ("invalid_json_line", .halve), ("url_mismatch", .halve), ("duplicate_custom_id", .halve),
      ("model_mismatch", .halve), ("too_many_tasks", .tooManyRows(limit: nil)),
      ("model_not_found", .failAll(refused("model_not_found"))), ("empty_batch", .failAll(refused("empty_batch"))),
      ("empty_file", .failAll(refused("empty_file"))), ("input_modified", .failAll(refused("input_modified"))),
      ("input_no_permissions", .failAll(refused("input_no_permissions"))),
      ("invalid_request", .accountClosed(.unauthorised)), ("token_limit_exceeded", .resubmitWithRoom(cap: nil)),
      ("brand_new", .failAll(refused("brand_new"))),
    ] as [(String, BatchDisposition)])
  func validation(_ code: String, _ expected: BatchDisposition) throws {
    let batch =
      #"{"id":"b","status":"Failed","errors":{"object":"list","data":[{"code":"\#(code)","message":"because","param":null,"line":null}]}}"#
    for text in try RecordedAPI.bothWays(batch) {
      let found = try #require(try RecordedAPI.azure.snapshot(text))
      #expect(BatchFailure.disposition(of: found.problems, rowCount: 100, halvings: 0) == expected)
    }
  }

  /// The answer to a question about enqueued tokens names no number.
  @Test func enqueuedTokens() throws {
    let text =
      #"{"id":"b","status":"Failed","errors":{"data":[{"code":"token_limit_exceeded","message":"The number of enqueued tokens has surpassed the configured limit."}]}}"#
    let found = try #require(try RecordedAPI.azure.snapshot(text))
    #expect(
      BatchFailure.disposition(of: found.problems, rowCount: 9, halvings: 0) == .resubmitWithRoom(cap: nil))
  }

  @Test(arguments: ["error", "Failed", "deleting", "deleted"])
  func filesThatAreOfNoUse(_ status: String) async throws {
    let submission = BatchSubmission(
      label: "run-1", endpoint: .chatCompletions, model: "m", rowCount: 0, inputBytes: 0)
    for text in try RecordedAPI.bothWays(#"{"id":"file-1","object":"file","status":"\#(status)"}"#) {
      let error = await errorOf { () throws(ProviderError) in
        try await RecordedAPI.azureProvider(ScriptedHTTP(.answer(201, [], text))).upload(submission, rows: Rows([]))
      }
      #expect(error?.reason == .rejected(statusCode: 400))
    }
  }

  /// A status that nobody knows is waited out like one that is known.
  @Test(arguments: ["uploaded", "pending", "running", "brand_new"])
  func filesThatAreWaitedFor(_ status: String) async throws {
    let submission = BatchSubmission(
      label: "run-1", endpoint: .chatCompletions, model: "m", rowCount: 0, inputBytes: 0)
    let http = ScriptedHTTP(
      .answer(201, [], #"{"id":"file-1","status":"\#(status)"}"#),
      .answer(200, [], #"{"id":"file-1","status":"\#(status)"}"#),
      .answer(200, [], #"{"id":"file-1","status":"processed"}"#))
    #expect(try await RecordedAPI.azureProvider(http).upload(submission, rows: Rows([])) == "file-1")
    #expect(await http.sent.count == 3)
  }

  /// The code may be the status, as a text.
  @Test(
    arguments: [
      (429, "429", .rateLimited(retryAfter: .milliseconds(1200))), (400, "400", .rejected),
      (401, "401", .accountClosed(.unauthorised)), (404, "DeploymentNotFound", .rejected),
      (400, "content_filter", .rejected), (503, "brand_new", .retryable(retryAfter: .milliseconds(1200))),
    ] as [(Int, String, Disposition)])
  func errors(_ status: Int, _ code: String, _ expected: Disposition) async throws {
    for text in try RecordedAPI.bothWays(#"{"error":{"code":"\#(code)","message":"m"}}"#) {
      let outcome = await RecordedAPI.azure.call(
        status, text,
        [
          ("retry-after", "2"), ("retry-after-ms", "1200"), ("x-ratelimit-remaining-tokens", "12"),
          ("apim-request-id", "req_1"),
        ])
      #expect(outcome.disposition == expected)
      #expect(outcome.pace?.tokens == RateLevel(limit: nil, remaining: 12))
      #expect(outcome.response?.requestID == "req_1")
      #expect(outcome.message.hasPrefix("azure answered \(status) (\(code))"))
    }
  }
}
