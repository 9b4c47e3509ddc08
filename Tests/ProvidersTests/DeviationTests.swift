import BatchCore
import Testing
import Wire

@testable import Providers

/// Each row of the known deviations.
@Suite(.timeLimit(.minutes(4)))
struct DeviationTests {
  private func provider(_ name: String, _ http: ScriptedHTTP = ScriptedHTTP()) throws -> OpenAIProvider {
    let dialect = try #require(OpenAIDialect.named(name))
    return makeProvider(http) {
      $0.dialect = dialect
      $0.sleep = { _ in }
    }
  }

  private let submission = BatchSubmission(
    label: "run-1", endpoint: .chatCompletions, model: "m", rowCount: 0, inputBytes: 0)

  private func create(_ name: String, _ answer: String) async throws -> (BatchSnapshot, ScriptedHTTP.Sent) {
    let http = ScriptedHTTP(.answer(202, [], answer))
    let batch = try await provider(name, http).create(submission, input: .file("f-1"), timeout: .seconds(5))
    return (batch, try #require(await http.sent.first))
  }

  @Test(arguments: [
    ("https://api.groq.com/openai/v1", "groq"), ("https://API.together.xyz/v1", "together"),
    ("https://api.x.ai/v1", "xai"), ("https://openrouter.ai/api/v1", "openrouter"),
    ("https://dashscope-intl.aliyuncs.com/compatible-mode/v1", "dashscope"),
    ("https://api.siliconflow.cn/v1", "siliconflow"), ("https://api.novita.ai/openai/v1", "novita"),
    ("https://api.doubleword.ai:443/v1", "doubleword"), ("https://eu.api.groq.com", "groq"),
    ("https://notapi.x.ai.example.com/v1", "none"), ("https://fakeapi.x.ai/v1", "none"),
    ("http://127.0.0.1:8000/v1", "none"), ("", "none"),
  ])
  func hosts(url: String, name: String) {
    #expect(OpenAIDialect.at(url).name == name)
  }

  @Test func namesAreUniqueAndKnown() {
    let names = OpenAIDialect.deviations.map(\.name)
    #expect(Set(names).count == names.count)
    #expect(OpenAIDialect.named("none")?.capabilities == .openAICompatible)
    #expect(OpenAIDialect.named("grok") == nil)
  }

  /// What a test can see of a row without an answer of the server.
  @Test(arguments: [
    ("groq", true, 90, 45_000), ("together", true, 90, 45_000), ("doubleword", true, 90, 45_000),
    ("xai", true, 90, 10_000), ("openrouter", false, 90, 10_000), ("dashscope", true, 90, 45_000),
    ("siliconflow", true, 900, 5000), ("novita", true, 90, 10_000), ("litellm", true, 90, 10_000),
    ("vllm", false, 90, 10_000),
  ])
  func capabilities(name: String, hasBatches: Bool, megabytes: Int64, rows: Int) throws {
    let capabilities = try provider(name).capabilities
    #expect(capabilities.batches == hasBatches)
    #expect(capabilities.largestBatchBytes == megabytes * 1_000_000)
    #expect(capabilities.largestBatchRows == rows)
  }

  @Test func groq() async throws {
    let http = ScriptedHTTP(.answer(200, [], #"{"id":"file_1","object":"file"}"#))
    // Its files have no status.
    #expect(try await provider("groq", http).upload(submission, rows: Rows([])) == "file_1")
    #expect(try provider("groq").capabilities.batchEndpoints == [.chatCompletions])
    let list = ScriptedHTTP(
      .answer(200, [], #"{"object":"list","data":[{"id":"b","metadata":{"millrace_label":"run-1"}}]}"#))
    let found = try await provider("groq", list).findBatches(
      BatchSearch(label: "run-1", createdAfter: testNow, rowCount: 1))
    #expect(found.map(\.id) == ["b"])
  }

  @Test func together() async throws {
    let http = ScriptedHTTP(
      .answer(200, [], #"{"id":"file-1","processing_status":"PENDING"}"#),
      .answer(200, [], #"{"id":"file-1","processing_status":"COMPLETED"}"#),
      .answer(
        201, [],
        #"{"job":{"id":"b-1","status":"VALIDATING","input_file_id":"file-1","progress":0,"created_at":"2026-11-23T10:00:00Z"},"warning":null}"#
      ),
      .answer(
        200, [], #"{"id":"b-1","status":"COMPLETED","output_file_id":"o","error":"two rows failed","progress":100.0}"#),
      .answer(200, [], #"[{"id":"b-1","status":"IN_PROGRESS","input_file_id":"file-1"}]"#))
    let together = try provider("together", http)
    #expect(try await together.upload(submission, rows: Rows([])) == "file-1")
    let created = try await together.create(submission, input: .file("file-1"), timeout: .seconds(5))
    #expect(created.id == "b-1" && created.state == .queued)
    let ended = try await together.retrieve("b-1")
    #expect(ended.state == .completed && ended.outputFileID == "o" && ended.problems.count == 1)
    let found = try await together.findBatches(
      BatchSearch(label: "run-1", inputFileID: "file-1", createdAfter: testNow, rowCount: 1))
    #expect(found.map(\.id) == ["b-1"])
    let sent = await http.sent
    #expect(sent[0].text.contains("name=\"purpose\"\r\n\r\nbatch-api\r\n"))
    #expect(!sent[2].text.contains("metadata"))
  }

  @Test func doubleword() async throws {
    // More in the metadata, members left out, and a deadline that shows while it runs.
    let (batch, _) = try await create(
      "doubleword",
      #"{"id":"7b4e","status":"in_progress","expired_at":1790000000,"metadata":{"millrace_label":"run-1","request_source":"api","created_by":"u"}}"#
    )
    #expect(batch.state == .running && batch.label == "run-1")
    let http = ScriptedHTTP(.answer(429, [("retry-after", "30")], #"{"error":{"message":"no capacity in 1h"}}"#))
    let full = try provider("doubleword", http)
    let error = await errorOf { () throws(ProviderError) in
      try await full.create(submission, input: .file("f"), timeout: .seconds(5))
    }
    #expect(error?.reason == .rateLimited(retryAfter: .seconds(30)))
    #expect(error?.isAmbiguous == false)
  }

  @Test func xai() async throws {
    let (created, sent) = try await create(
      "xai", #"{"batch_id":"b-1","name":"run-1","state":{"num_requests":0},"create_time":"2026-11-23"}"#)
    #expect(created.id == "b-1" && created.label == "run-1" && created.state == .queued)
    #expect(created.createdAt == Timestamp(milliseconds: 1_795_392_000_000))
    #expect(sent.text == #"{"name":"run-1","input_file_id":"f-1"}"#)
    func state(_ body: String) throws -> BatchState? {
      XAIShape().snapshot(try JSONSlice.parse(Array(body.utf8)))?.state
    }
    let running = #""state":{"num_requests":"3","num_pending":1,"num_success":2}"#
    #expect(try state(#"{"batch_id":"b",\#(running)}"#) == .running)
    #expect(try state(#"{"batch_id":"b","state":{"num_requests":3,"num_pending":0}}"#) == .completed)
    #expect(try state(#"{"batch_id":"b",\#(running),"cancel_time":"2026-11-23T10:00:00Z"}"#) == .cancelled)
    #expect(
      try state(#"{"batch_id":"b",\#(running),"cancel_time":"2026-11-23","cancel_by_xai_message":"abuse"}"#) == .failed)
    #expect(try state(#"{"state":{}}"#) == nil)
  }

  @Test func resultsOfXAIComeByThePage() async throws {
    let usage = #""usage":{"prompt_tokens":7,"completion_tokens":5,"completion_tokens_details":{"reasoning_tokens":4}}"#
    let http = ScriptedHTTP(
      .answer(200, [], #"{"batch_id":"b/1","state":{"num_requests":4,"num_pending":0}}"#),
      .answer(
        200, [],
        #"""
        {"results":[{"batch_request_id":"r-1","batch_result":{"response":{"chat_get_completion":{"object":"x",\#(usage)}}}},
         {"batch_request_id":"r-2","batch_result":{"error":{"code":429,"message":"slow down"}}},{"other":1}],
         "pagination_token":"p 2"}
        """#),
      .answer(
        200, [],
        #"{"results":[{"batch_request_id":"r-3","batch_result":{"error":{"code":"invalid_argument","message":"no"}}}],"pagination_token":"p3"}"#
      ),
      .answer(200, [], #"{"results":[],"pagination_token":"p4"}"#))
    let xai = try provider("xai", http)
    let file = try #require(try await xai.retrieve("b/1").outputFileID)
    let source = try await xai.results(fileID: file)
    var results: [BatchResult] = []
    while let page = try await source.next() { results += page }
    #expect(results.map(\.customID) == ["r-1", "r-2", "r-3"])
    #expect(results.map(\.disposition) == [.succeeded, .rateLimited(retryAfter: nil), .rejected])
    // Reasoning is billed besides.
    #expect(results[0].usage == Usage(inputTokens: 7, cachedInputTokens: 0, outputTokens: 9))
    #expect(results[0].response?.body == Array(#"{"object":"x",\#(usage)}"#.utf8))
    #expect(source.unreadableLines == 1)
    let sent = await http.sent
    #expect(
      sent.map(\.request.url).suffix(2) == [
        "https://api.example.test/v1/batches/b%2F1/results?limit=100&pagination_token=p%202",
        "https://api.example.test/v1/batches/b%2F1/results?limit=100&pagination_token=p3",
      ])
    // There is no such file.
    try await xai.deleteFile(file)
    #expect(await http.sent.count == 4)
  }

  @Test func cancelAndListOfXAI() async throws {
    let http = ScriptedHTTP(
      .answer(200, [], #"{"batch_id":"b","state":{"num_requests":1,"num_pending":1},"cancel_time":"2026-11-23"}"#),
      .answer(
        200, [], #"{"batches":[{"batch_id":"c","name":"other","state":{}}],"pagination_token":"t"}"#),
      .answer(200, [], #"{"batches":[{"batch_id":"b","name":"run-1","state":{}}]}"#))
    let xai = try provider("xai", http)
    #expect(try await xai.cancel("b").state == .cancelled)
    let found = try await xai.findBatches(BatchSearch(label: "run-1", createdAfter: testNow, rowCount: 1))
    #expect(found.map(\.id) == ["b"])
    #expect(
      await http.sent.map(\.request.url) == [
        "https://api.example.test/v1/batches/b:cancel", "https://api.example.test/v1/batches?limit=100",
        "https://api.example.test/v1/batches?limit=100&pagination_token=t",
      ])
  }

  @Test(arguments: ["openrouter", "vllm"])
  func withoutBatches(name: String) async throws {
    #expect(try provider(name).capabilities.endpoints == Endpoint.openAI)
    // Their errors may be a bare text.
    let http = ScriptedHTTP(.answer(400, [], #"{"error":"no such model"}"#))
    let call = ProviderCall(
      endpoint: .chatCompletions, model: "m", body: makeBody(#"{"model":"m"}"#, model: "m"), timeout: .seconds(1))
    let outcome = try await provider(name, http).call(call)
    #expect(outcome.disposition == .rejected && outcome.message.contains("no such model"))
  }

  @Test func dashscope() async throws {
    let http = ScriptedHTTP(.answer(200, [], #"{"id":"file-batch-1"}"#))
    #expect(try await provider("dashscope", http).upload(submission, rows: Rows([])) == "file-batch-1")
    #expect(try provider("dashscope").capabilities.batchEndpoints == [.chatCompletions, .embeddings])
  }

  /// A result may lie elsewhere, where the key must not go.
  @Test func siliconflow() async throws {
    let http = ScriptedHTTP(
      .stream(200, [Array((#"{"custom_id":"r-1","response":{"status_code":200,"body":{}}}"# + "\n").utf8)]),
      .answer(200, [], #"{"code":20000,"data":{"id":"file-9"}}"#))
    let siliconflow = try provider("siliconflow", http)
    let source = try await siliconflow.results(fileID: "https://storage.test/o?sig=x")
    #expect(try await source.next()?.map(\.customID) == ["r-1"])
    try await siliconflow.deleteFile("https://storage.test/o?sig=x")
    #expect(try await siliconflow.upload(submission, rows: Rows([])) == "file-9")
    let sent = await http.sent
    #expect(sent.count == 2 && sent[0].request.url == "https://storage.test/o?sig=x")
    #expect(sent[0].request.headers.isEmpty)
    // Of other servers, and without TLS, an address is an id like any other.
    let other = ScriptedHTTP(.stream(404, []), .stream(404, []))
    _ = await errorOf { () throws(ProviderError) in try await makeProvider(other).results(fileID: "https://x.test/o") }
    _ = await errorOf { () throws(ProviderError) in
      try await makeProvider(other) { $0.dialect = siliconflow.configuration.dialect }.results(
        fileID: "http://x.test/o")
    }
    #expect(await other.sent.allSatisfy { $0.request.url.hasPrefix("https://api.example.test/v1/files/http") })
  }

  @Test func novita() async throws {
    let (batch, _) = try await create(
      "novita",
      #"{"id":"b","status":"PROGRESS","errors":"a row is wrong","created_at":"1790000000","total":3,"completed":1,"failed":1,"in_progress_at":{"seconds":1}}"#
    )
    #expect(batch.state == .running)
    #expect(batch.counts == BatchSnapshot.Counts(total: 3, completed: 1, failed: 1))
    #expect(batch.problems.map(\.message) == ["a row is wrong"])
    #expect(batch.createdAt == Timestamp(milliseconds: 1_790_000_000_000))
  }

  @Test func litellm() async throws {
    let id = String(repeating: "bGl0ZWxsbV9wcm94eT", count: 30)
    let http = ScriptedHTTP(
      .answer(200, [], #"{"id":"\#(id)"}"#), .answer(200, [], #"{"id":"\#(id)","status":"complete"}"#))
    let litellm = try provider("litellm", http)
    #expect(try await litellm.upload(submission, rows: Rows([])) == id)
    #expect(try await litellm.retrieve(id).state == .completed)
    let sent = await http.sent
    #expect(sent[0].text.contains("name=\"target_model_names\"\r\n\r\nm\r\n"))
    #expect(sent[0].declaredLength == Int64(sent[0].text.utf8.count))
  }

  // MARK: No batches

  @Test(arguments: [404, 405, 501])
  func createThatNobodyAnswers(status: Int) async throws {
    let http = ScriptedHTTP(.answer(status, [], ""), .answer(404, [], ""))
    let error = await errorOf { () throws(ProviderError) in
      try await makeProvider(http).create(submission, input: .file("f"), timeout: .seconds(5))
    }
    #expect(error?.reason == .noBatches)
    #expect(error?.isAmbiguous == false)
  }

  @Test func createWhoseFileIsGone() async throws {
    let http = ScriptedHTTP(.answer(404, [], ""), .answer(200, [], #"{"data":[]}"#))
    let error = await errorOf { () throws(ProviderError) in
      try await makeProvider(http).create(submission, input: .file("f"), timeout: .seconds(5))
    }
    #expect(error?.reason == .notFound)
  }

  @Test(arguments: [(404, 200, true), (405, 200, true), (404, 404, false), (404, 500, false)])
  func uploadThatNobodyTakes(status: Int, models: Int, hasNone: Bool) async throws {
    // Where nothing is found, the address is wrong.
    let http = ScriptedHTTP(.answer(status, [], ""), .answer(models, [], #"{"data":[]}"#))
    let error = await errorOf { () throws(ProviderError) in
      try await makeProvider(http).upload(submission, rows: Rows([]))
    }
    #expect(error?.reason == (hasNone ? .noBatches : .notFound))
  }
}
