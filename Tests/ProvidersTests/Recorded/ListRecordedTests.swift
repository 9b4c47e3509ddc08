import BatchCore
import Testing

@testable import Providers

/// The lists in which a batch is looked for after a crash. What is not found there is sent, and paid, again.
@Suite(.timeLimit(.minutes(4)))
struct ListRecordedTests {
  private let search = BatchSearch(label: "mr-7", createdAfter: Timestamp(milliseconds: 1_795_428_000_000), rowCount: 3)

  @Test func ofOpenAI() async throws {
    let list =
      #"{"object":"list","data":[{"id":"b-2","object":"batch","status":"brand_new","created_at":1795428001,"metadata":{}},{"id":"b-1","object":"batch","status":"validating","created_at":1795428000,"metadata":{"millrace_label":"mr-7"}}],"first_id":"b-2","last_id":"b-1","has_more":false}"#
    for text in try RecordedAPI.bothWays(list) {
      let found = try await makeProvider(ScriptedHTTP(.answer(200, [], text))).findBatches(search)
      #expect(found.map(\.id) == ["b-1"])
    }
  }

  /// Together's is a bare array, and knows no metadata.
  @Test func ofTogether() async throws {
    let list =
      #"[{"id":"b-2","status":"BRAND_NEW","input_file_id":"f-2"},{"id":"b-1","status":"IN_PROGRESS","input_file_id":"f-1","created_at":"2026-11-23T10:00:00Z"}]"#
    let dialect = try #require(OpenAIDialect.named("together"))
    var search = search
    search.inputFileID = "f-1"
    for text in try RecordedAPI.bothWays(list) {
      let provider = makeProvider(ScriptedHTTP(.answer(200, [], text))) { $0.dialect = dialect }
      #expect(try await provider.findBatches(search).map(\.id) == ["b-1"])
    }
  }

  @Test func ofAnthropic() async throws {
    let ended = MessageSamples.ended("own", succeeded: 2, errored: 1)
    let list =
      #"{"data":[\#(MessageSamples.ended("larger", succeeded: 4)),\#(ended)],"has_more":false,"first_id":"larger","last_id":"own"}"#
    let line = #"{"custom_id":"mr-7_1_1","result":{"type":"succeeded"}}"#
    let lines = try RecordedAPI.bothWays(line).map { Array(($0 + "\n").utf8) }
    for (text, line) in zip(try RecordedAPI.bothWays(list), lines) {
      let http = ScriptedHTTP(.answer(200, [], text), .stream(200, [line]))
      #expect(try await makeAnthropic(http).findBatches(search).map(\.id) == ["own"])
    }
    // A state that nobody knows may be ours, and end.
    let unknown = MessageSamples.running.replacing("in_progress", with: "dreaming").replacing(
      #""processing":1"#, with: #""processing":3"#)
    let error = await errorOf { () throws(ProviderError) in
      try await makeAnthropic(ScriptedHTTP(.answer(200, [], #"{"data":[\#(unknown)],"has_more":false}"#)))
        .findBatches(search)
    }
    #expect(error?.reason == .unavailable(retryAfter: nil))
  }

  @Test func ofGemini() async throws {
    let other = GeminiSamples.batch("BATCH_STATE_DREAMING", id: "2", label: "other")
    let own = GeminiSamples.batch("BATCH_STATE_PENDING", id: "1", label: "mr-7")
    for text in try RecordedAPI.bothWays(#"{"operations":[\#(other),\#(own)],"nextPageToken":""}"#) {
      let found = try await makeGemini(ScriptedHTTP(.answer(200, [], text))).findBatches(search)
      #expect(found.map(\.id) == ["batches/1"])
    }
  }

  @Test func ofMistral() async throws {
    let jobs = [MistralSamples.ended("a", "BRAND_NEW", label: "x"), MistralSamples.ended("b", "QUEUED")]
    for text in try RecordedAPI.bothWays(#"{"object":"list","total":2,"data":[\#(jobs.joined(separator: ","))]}"#) {
      let found = try await makeMistral(ScriptedHTTP(.answer(200, [], text))).findBatches(search)
      #expect(found.map(\.id) == ["b"])
    }
  }

  /// What is said of an uploaded file, where its id is looked for, and what state it may be in.
  @Test(arguments: ["ACTIVE", "STATE_UNSPECIFIED"])
  func filesOfGemini(_ state: String) async throws {
    let answer =
      #"{"file":{"name":"files/abc","displayName":"mr-7","mimeType":"application/jsonl","sizeBytes":"9","createTime":"2026-11-23T10:00:00Z","expirationTime":"2026-11-25T10:00:00Z","state":"\#(state)","uri":"https://x.test/files/abc"}}"#
    let submission = BatchSubmission(
      label: "mr-7", endpoint: .generateContent, model: "m", rowCount: 1, inputBytes: 0)
    let row = BatchRow(customID: "r-1", body: makeBody(#"{"model":"g-*","contents":[]}"#, model: "g-*"))
    for text in try RecordedAPI.bothWays(answer) {
      let http = ScriptedHTTP(
        .answer(200, [("x-goog-upload-url", "https://x.test/upload/v1beta/files?upload_id=u")]),
        .answer(200, [("x-goog-upload-status", "final")], text),
        .answer(200, [], #"{"name":"files/abc","state":"ACTIVE"}"#))
      let id = try await makeGemini(http).upload(submission, rows: RowChunks(chunks: [[row]]))
      #expect(id == "files/abc")
      // A state that nobody knows is waited out.
      #expect(await http.sent.count == (state == "ACTIVE" ? 2 : 3))
    }
  }

  @Test func filesOfMistral() async throws {
    let answer =
      #"{"id":"UUID","object":"file","bytes":9,"created_at":1795428000,"filename":"mr-7.jsonl","purpose":"batch","sample_type":"batch_request","num_lines":1,"source":"upload"}"#
    let submission = BatchSubmission(label: "mr-7", endpoint: .mistralChat, model: "m", rowCount: 0, inputBytes: 0)
    for text in try RecordedAPI.bothWays(answer) {
      let http = ScriptedHTTP(.answer(200, [], text))
      #expect(try await makeMistral(http).upload(submission, rows: RowChunks(chunks: [])) == "UUID")
    }
    let list = #"{"data":[\#(answer)],"object":"list","total":1}"#
    for text in try RecordedAPI.bothWays(list) {
      #expect(try await makeMistral(ScriptedHTTP(.answer(200, [], text))).findFile(label: "mr-7") == "UUID")
    }
  }
}
