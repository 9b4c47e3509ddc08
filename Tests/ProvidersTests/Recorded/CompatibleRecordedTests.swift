import BatchCore
import Testing
import Wire

@testable import Providers

/// What servers that speak like OpenAI write in a way of their own. None of it needs a dialect to be read.
@Suite(.timeLimit(.minutes(4)))
struct CompatibleRecordedTests {
  private static func snapshot(
    _ id: String, _ state: BatchState, _ change: (inout BatchSnapshot) -> Void = { _ in }
  ) -> BatchSnapshot {
    var snapshot = BatchSnapshot(id: id, state: state)
    change(&snapshot)
    return snapshot
  }

  private static let november = Timestamp(milliseconds: 1_795_428_000_000)

  static let batches: [(server: String, text: String, expected: BatchSnapshot)] = [
    (
      // Metadata of any kind, and a week's window.
      "groq",
      #"{"id":"batch_01","object":"batch","status":"in_progress","completion_window":"7d","metadata":{"millrace_label":"run-1","n":1,"list":[1],"more":{"a":null}},"request_counts":{"total":3,"completed":1,"failed":0}}"#,
      snapshot("batch_01", .running) {
        $0.label = "run-1"
        $0.counts = BatchSnapshot.Counts(total: 3, completed: 1, failed: 0)
      }
    ),
    ("groq", #"{"id":"batch_01","status":"in_progress","metadata":"text"}"#, snapshot("batch_01", .running)),
    (
      // Progress instead of counts, one error instead of a list, and the time as text.
      "together",
      #"{"id":"b-1","user_id":"u","status":"FAILED","progress":40.5,"input_file_id":"f-1","file_size_bytes":9,"model_id":"m","priority":1,"job_deadline":"2026-11-24T10:00:00Z","error":"two rows failed","created_at":"2026-11-23T10:00:00.000Z","completed_at":null}"#,
      snapshot("b-1", .failed) {
        $0.inputFileID = "f-1"
        $0.problems = [BatchSnapshot.Problem(code: "", message: "two rows failed", line: nil)]
        $0.createdAt = november
      }
    ),
    (
      "together", #"{"job":{"id":"b-1","status":"EXPIRED","output_file_id":"o","error":null},"warning":"slow"}"#,
      snapshot("b-1", .expired) { $0.outputFileID = "o" }
    ),
    (
      // Failed since every line did: both files are there, and nothing is said.
      "doubleword",
      #"{"id":"7b4e8f1c-0000-4000-8000-000000000001","status":"failed","output_file_id":"o","error_file_id":"e","request_counts":{"total":2,"completed":0,"failed":2},"metadata":{"millrace_label":"run-1","request_source":"api","created_by":"u","created_by_email":"u@example.test"}}"#,
      snapshot("7b4e8f1c-0000-4000-8000-000000000001", .failed) {
        $0.label = "run-1"
        $0.outputFileID = "o"
        $0.errorFileID = "e"
        $0.counts = BatchSnapshot.Counts(total: 2, completed: 0, failed: 2)
      }
    ),
    (
      // In the background: no end is told.
      "doubleword", #"{"id":"7b4e","status":"in_progress","completion_window":"background","created_at":1795428000}"#,
      snapshot("7b4e", .running) { $0.createdAt = november }
    ),
    (
      // Times that are objects, an error that is a text, counts beside `request_counts`.
      "novita",
      #"{"id":"b","status":"COMPLETED","errors":"","created_at":"1795428000","completed_at":{"seconds":1},"expires_at":{"seconds":1},"total":3,"completed":2,"failed":1,"request_counts":{"total":3,"completed":2,"failed":1},"output_file_id":"o"}"#,
      snapshot("b", .completed) {
        $0.outputFileID = "o"
        $0.counts = BatchSnapshot.Counts(total: 3, completed: 2, failed: 1)
        $0.createdAt = november
      }
    ),
    (
      "litellm", #"{"id":"bGl0ZWxsbV9wcm94eTo=","status":"complete","output_file_id":"bGl0ZWxsbV9vdXQ="}"#,
      snapshot("bGl0ZWxsbV9wcm94eTo=", .completed) { $0.outputFileID = "bGl0ZWxsbV9vdXQ=" }
    ),
    (
      // Flat counters.
      "vllm", #"{"id":"b","status":"pending","total_requests":3,"completed_requests":0,"failed_requests":0}"#,
      snapshot("b", .queued) { $0.counts = BatchSnapshot.Counts(total: 3, completed: 0, failed: 0) }
    ),
    (
      // Files are named before the end.
      "aibrix", #"{"id":"b","status":"finalizing","output_file_id":"o","error_file_id":"e"}"#,
      snapshot("b", .running) {
        $0.outputFileID = "o"
        $0.errorFileID = "e"
      }
    ),
    (
      "digitalocean",
      #"{"batch_id":"b","provider":"p","file_id":"f","status":"queued","request_id":"q","created_at":"2026-11-23T10:00:00Z"}"#,
      snapshot("b", .queued) { $0.createdAt = november }
    ),
    (
      "bella-queue", #"{"id":"b","status":"completed","created_at":1795428000000,"expires_at":1795514400000}"#,
      snapshot("b", .completed) {
        $0.createdAt = november
        $0.expiresAt = november + .seconds(86_400)
      }
    ),
  ]

  @Test(arguments: batches.indices)
  func batchesOfServers(_ index: Int) throws {
    let batch = Self.batches[index]
    for text in try RecordedAPI.bothWays(batch.text) {
      #expect(try RecordedAPI.openAI.snapshot(text) == batch.expected, "\(batch.server)")
    }
  }

  /// xAI's batches have counters instead of a status; what they cost stands in a unit of its own.
  @Test(
    arguments: [
      (#"{"num_requests":0,"num_pending":0}"#, "", .queued, [0, 0, 0]),
      (
        #"{"num_requests":4,"num_pending":1,"num_success":2,"num_error":1,"num_cancelled":0}"#, "", .running, [4, 2, 1]
      ),
      (#"{"num_requests":"4","num_pending":"0","num_success":"3","num_error":"1"}"#, "", .completed, [4, 3, 1]),
      (
        #"{"num_requests":4,"num_success":1,"num_cancelled":3}"#, #","cancel_time":"2026-11-23""#, .cancelled,
        [4, 1, 0]
      ),
      (
        #"{"num_requests":4,"num_pending":4}"#,
        #","cancel_time":"2026-11-23T10:00:00Z","cancel_by_xai_message":"abuse""#, .failed, [4, 0, 0]
      ),
    ] as [(String, String, BatchState, [Int])])
  func batchesOfXAI(_ state: String, _ more: String, _ expected: BatchState, _ counts: [Int]) throws {
    let batch =
      #"{"batch_id":"b","name":"run-1","create_time":"2026-11-23T10:00:00Z","expire_time":"2026-11-24T10:00:00Z","cost_breakdown":{"total_cost_usd_ticks":12345},"state":\#(state)\#(more)}"#
    for text in try RecordedAPI.bothWays(batch) {
      let found = try #require(XAIShape().snapshot(try JSONSlice.parse(Array(text.utf8))))
      #expect(found.state == expected)
      #expect(found.id == "b" && found.label == "run-1")
      #expect(found.counts == BatchSnapshot.Counts(total: counts[0], completed: counts[1], failed: counts[2]))
      #expect(found.createdAt == Self.november && found.expiresAt == Self.november + .seconds(86_400))
      #expect((found.outputFileID != nil) == expected.isTerminal)
      #expect(found.problems.map(\.message) == (expected == .failed ? ["abuse"] : []))
    }
  }

  /// A page of its results as a later version may send it.
  @Test func resultsOfXAI() async throws {
    let page =
      #"{"results":[{"batch_request_id":"r-1","batch_result":{"response":{"chat_get_completion":{"id":"c"}}}},{"batch_request_id":"r-2","batch_result":{"error":{"code":8,"message":"m"}}},{"batch_request_id":"r-3","batch_result":{"error":{"code":"invalid_argument","message":"m"}}}],"pagination_token":null}"#
    for text in try RecordedAPI.bothWays(page) {
      let dialect = try #require(OpenAIDialect.named("xai"))
      let provider = makeProvider(ScriptedHTTP(.answer(200, [], text))) { $0.dialect = dialect }
      let results = try await provider.results(fileID: "results-of:b").next() ?? []
      #expect(results.map(\.customID) == ["r-1", "r-2", "r-3"])
      #expect(results.map(\.disposition) == [.succeeded, .retryable(retryAfter: nil), .rejected])
      #expect(results.first?.bodyText?.contains(#""id":"c""#) == true)
    }
  }

  /// Bytes that are no UTF-8 must not keep the other results of a page back.
  @Test func brokenTextOfXAI() async throws {
    let page =
      #"{"results":[{"batch_request_id":"r-1","batch_result":{"response":{"chat_get_completion":{"id":"caf!"}}}},{"batch_request_id":"r-2","batch_result":{"response":{"chat_get_completion":{"id":"c"}}}}]}"#
    let dialect = try #require(OpenAIDialect.named("xai"))
    let bytes = Array(page.utf8).map { $0 == UInt8(ascii: "!") ? 0xE9 : $0 }
    let provider = makeProvider(ScriptedHTTP(.bytes(200, bytes))) { $0.dialect = dialect }
    let results = try await provider.results(fileID: "results-of:b").next() ?? []
    #expect(results.map(\.bodyText) == ["{\"id\":\"caf\u{FFFD}\"}", #"{"id":"c"}"#])
  }

  /// Lines of requests that did not run, with codes or types or nothing that is known.
  @Test(
    arguments: [
      (#""response":null,"error":{"code":"batch_expired","message":"m"}"#, .notExecuted(.expired)),
      (#""response":null,"error":{"code":"batch_cancelled","message":"m"}"#, .notExecuted(.cancelled)),
      (#""response":null,"error":{"code":"batch_failed","message":"m"}"#, .notExecuted(.failed)),
      (#""response":null,"error":{"code":"model_not_found","message":"m"}"#, .rejected),
      (#""error":{"type":"invalid_request_error","message":"m"}"#, .rejected),
      (#""error":{"type":"brand_new","message":"m"}"#, .retryable(retryAfter: nil)),
      (#""response":{"status_code":404,"body":{"error":"no such model"}},"error":null"#, .rejected),
      (#""response":{"status_code":200,"body":{"id":"c"}}"#, .succeeded),
    ] as [(String, Disposition)])
  func lines(_ line: String, _ expected: Disposition) async throws {
    for text in try RecordedAPI.bothWays(#"{"id":"batch_req_1","custom_id":"r-1",\#(line)}"#) {
      #expect(try await RecordedAPI.openAI.results([text]).map(\.disposition) == [expected])
    }
  }

  /// Groq tells times with its usage.
  @Test func usageWithTimes() async throws {
    let usage =
      #"{"queue_time":0.02,"prompt_tokens":24,"prompt_time":0.001,"completion_tokens":377,"completion_time":0.6,"total_tokens":401,"total_time":0.7}"#
    for text in try RecordedAPI.bothWays(#"{"id":"c","usage":\#(usage),"x_groq":{"id":"req_1"}}"#) {
      #expect(await RecordedAPI.openAI.call(200, text).usage == Usage(inputTokens: 24, outputTokens: 377))
    }
  }

  /// Refusals of a create: a full window, input that was validated at once, errors that are a text.
  @Test(
    arguments: [
      (429, #"{"error":{"message":"no capacity within 1h"}}"#, .rateLimited(retryAfter: .seconds(30))),
      (429, #"{"error":"quota is used up for now"}"#, .rateLimited(retryAfter: .seconds(30))),
      (400, #"{"error":{"message":"Line 3 is no JSON.","code":"invalid_json_line"}}"#, .rejected(statusCode: 400)),
      (400, #"{"error":"bad batch"}"#, .rejected(statusCode: 400)),
      (413, #"{"detail":"File is too large."}"#, .rejected(statusCode: 413)),
    ] as [(Int, String, ProviderError.Reason)])
  func refusals(_ status: Int, _ body: String, _ expected: ProviderError.Reason) async throws {
    let submission = BatchSubmission(
      label: "run-1", endpoint: .chatCompletions, model: "m", rowCount: 0, inputBytes: 0)
    for text in try RecordedAPI.bothWays(body) {
      let step = ScriptedHTTP.Step.answer(status, [("retry-after", "30")], text)
      let create = await errorOf { () throws(ProviderError) in
        try await makeProvider(ScriptedHTTP(step)).create(submission, input: .file("f"), timeout: .seconds(5))
      }
      let upload = await errorOf { () throws(ProviderError) in
        try await makeProvider(ScriptedHTTP(step)).upload(submission, rows: Rows([]))
      }
      #expect(create?.reason == expected && create?.isAmbiguous == false)
      #expect(upload?.reason == expected && upload?.isAmbiguous == false)
    }
  }

  /// Together checks a file after it was taken.
  @Test(arguments: ["INVALID_FORMAT", "FAILED"])
  func filesOfTogether(_ status: String) async throws {
    let dialect = try #require(OpenAIDialect.named("together"))
    let submission = BatchSubmission(
      label: "run-1", endpoint: .chatCompletions, model: "m", rowCount: 0, inputBytes: 0)
    let http = ScriptedHTTP(
      .answer(200, [], #"{"id":"file-1","processing_status":"PENDING"}"#),
      .answer(200, [], #"{"id":"file-1","processing_status":"\#(status)"}"#))
    let provider = makeProvider(http) {
      $0.dialect = dialect
      $0.sleep = { _ in }
    }
    let error = await errorOf { () throws(ProviderError) in try await provider.upload(submission, rows: Rows([])) }
    #expect(error?.reason == .rejected(statusCode: 400))
  }
}
