import BatchCore
import Testing
import Wire

@testable import Providers

func slice(_ text: String) throws -> JSONSlice? {
  try JSONSlice.parse(Array(text.utf8))
}

@Suite(.timeLimit(.minutes(4)))
struct UsageParserTests {
  @Test(arguments: [
    (
      #"{"prompt_tokens":100,"completion_tokens":40,"total_tokens":140,"prompt_tokens_details":{"cached_tokens":64,"cache_write_tokens":0,"audio_tokens":0,"image_tokens":0,"text_tokens":100},"completion_tokens_details":{"reasoning_tokens":25}}"#,
      Usage(inputTokens: 100, cachedInputTokens: 64, outputTokens: 40)
    ),
    (
      #"{"prompt_tokens":100,"completion_tokens":40,"prompt_tokens_details":null,"completion_tokens_details":null}"#,
      Usage(inputTokens: 100, cachedInputTokens: 0, outputTokens: 40)
    ),
    (
      #"{"prompt_tokens":1,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":null}}"#,
      Usage(inputTokens: 1, cachedInputTokens: 0, outputTokens: 2)
    ),
    (
      #"{"input_tokens":20,"input_tokens_details":{"cached_tokens":8},"output_tokens":9,"output_tokens_details":{"reasoning_tokens":0},"total_tokens":29}"#,
      Usage(inputTokens: 20, cachedInputTokens: 8, outputTokens: 9)
    ),
    (#"{"prompt_tokens":8,"total_tokens":8}"#, Usage(inputTokens: 8, cachedInputTokens: 0, outputTokens: 0)),
    (
      #"{"prompt_tokens":-8,"completion_tokens":3.0,"prompt_tokens_details":{"cached_tokens":99}}"#,
      Usage(inputTokens: 0, cachedInputTokens: 0, outputTokens: 3)
    ),
  ])
  func usages(text: String, expected: Usage) throws {
    let value = try #require(try slice(text))
    #expect(UsageParser.usage(value) == expected)
  }

  @Test(arguments: [
    "null", "{}", "7", "[]", #"{"total_tokens":3}"#, #"{"prompt_tokens":"3"}"#, #"{"prompt_tokens":1e99}"#,
  ])
  func noUsage(text: String) throws {
    let value = try #require(try slice(text))
    #expect(UsageParser.usage(value) == nil)
  }
}

@Suite(.timeLimit(.minutes(4)))
struct SnapshotParserTests {
  private func snapshot(_ text: String) throws -> BatchSnapshot? {
    try slice(text).flatMap(SnapshotParser.snapshot)
  }

  @Test func aCompleteBatch() throws {
    let text = """
      {"id":"batch_1","object":"batch","endpoint":"/v1/chat/completions","model":"gpt-6-luna","input_file_id":"file-abc",
       "completion_window":"24h","status":"completed","errors":null,"output_file_id":"file-out","error_file_id":null,
       "created_at":1,"in_progress_at":2,"expires_at":86401,"finalizing_at":3,"completed_at":4,
       "failed_at":null,"expired_at":null,"cancelling_at":null,"cancelled_at":null,
       "request_counts":{"total":2,"completed":2,"failed":0},"metadata":{"svc":"batcher","millrace_label":"L1"},
       "usage":{"input_tokens":20,"input_tokens_details":{"cached_tokens":0},"output_tokens":9,
                "output_tokens_details":{"reasoning_tokens":0},"total_tokens":29}}
      """
    var expected = BatchSnapshot(id: "batch_1", state: .completed)
    expected.label = "L1"
    expected.inputFileID = "file-abc"
    expected.outputFileID = "file-out"
    expected.counts = BatchSnapshot.Counts(total: 2, completed: 2, failed: 0)
    expected.usage = Usage(inputTokens: 20, outputTokens: 9)
    expected.createdAt = Timestamp(milliseconds: 1000)
    expected.expiresAt = Timestamp(milliseconds: 86_401_000)
    #expect(try snapshot(text) == expected)
  }

  @Test func everythingButTheIDMayBeMissing() throws {
    #expect(try snapshot(#"{"id":"b"}"#) == BatchSnapshot(id: "b", state: .unrecognised("")))
    #expect(try snapshot(#"{"batch_id":"b","status":"failed"}"#) == BatchSnapshot(id: "b", state: .failed))
    let nulls =
      #"{"id":"b","status":"in_progress","errors":null,"output_file_id":"","metadata":null,"request_counts":null,"created_at":null}"#
    #expect(try snapshot(nulls) == BatchSnapshot(id: "b", state: .running))
    #expect(try snapshot(#"{"status":"completed"}"#) == nil)
    #expect(try snapshot(#"{"id":7}"#) == nil)
    #expect(try snapshot(#"[]"#) == nil)
  }

  @Test(arguments: [
    ("validating", BatchState.queued), ("VALIDATING", .queued), ("in_progress", .running), ("finalizing", .running),
    ("PROGRESS", .running), ("cancelling", .cancelling), ("completed", .completed), ("complete", .completed),
    ("failed", .failed), ("expired", .expired), ("cancelled", .cancelled), ("Canceled", .cancelled),
    ("dreaming", .unrecognised("dreaming")),
  ])
  func states(status: String, state: BatchState) {
    #expect(SnapshotParser.state(status) == state)
  }

  @Test(arguments: [
    (
      #"{"object":"list","data":[{"code":"token_limit_exceeded","message":"m","param":null,"line":null},{"code":"invalid_json_line","message":"n","line":3}]}"#,
      [
        BatchSnapshot.Problem(code: "token_limit_exceeded", message: "m", line: nil),
        BatchSnapshot.Problem(code: "invalid_json_line", message: "n", line: 3),
      ]
    ),
    (#"[{"code":"c","message":"m"}]"#, [BatchSnapshot.Problem(code: "c", message: "m", line: nil)]),
    (#""all wrong""#, [BatchSnapshot.Problem(code: "", message: "all wrong", line: nil)]),
    (#"{"object":"list","data":null}"#, []), ("null", []), ("7", []), (#"{"data":[null,7,{}]}"#, []),
  ])
  func problems(errors: String, expected: [BatchSnapshot.Problem]) throws {
    #expect(try snapshot(#"{"id":"b","status":"failed","errors":\#(errors)}"#)?.problems == expected)
  }

  @Test func otherShapesOfProblemsAndCounts() throws {
    let text = #"{"id":"b","error":"because","total_requests":9,"completed_requests":4,"failed_requests":-1}"#
    let found = try #require(try snapshot(text))
    #expect(found.problems == [BatchSnapshot.Problem(code: "", message: "because", line: nil)])
    #expect(found.counts == BatchSnapshot.Counts(total: 9, completed: 4, failed: 0))
    let partly = try snapshot(#"{"id":"b","request_counts":{"total":null,"completed":4}}"#)
    #expect(partly?.counts == BatchSnapshot.Counts(total: 4, completed: 4, failed: 0))
    let huge = #"{"id":"b","request_counts":{"completed":9223372036854775807,"failed":9223372036854775807}}"#
    #expect(try snapshot(huge)?.counts?.total == .max)
  }
}

@Suite(.timeLimit(.minutes(4)))
struct ProviderTextTests {
  @Test func oneLineWithoutKeys() {
    let keys = [APIKey(secret: "topsecret", fingerprint: "f")]
    #expect(ProviderText.line("a\r\n\tb  c\u{0}d\u{2028}e\u{85}f", hiding: keys) == "a b c d e f")
    #expect(ProviderText.line("your key (topsecret) is bad", hiding: keys) == "your key (***) is bad")
    #expect(ProviderText.line("Incorrect API key provided: sk-proj-ab***yz.") == "Incorrect API key provided: sk-***")
  }

  @Test func boundedByBytes() {
    let cut = ProviderText.line(String(repeating: "ä", count: 1000))
    #expect(cut.utf8.count <= 303)
    #expect(cut.hasSuffix("ä…"))
    #expect(ProviderText.line(String(repeating: "a", count: 300)).utf8.count == 300)
    let bomb = "e" + String(repeating: "\u{301}", count: 100_000)
    #expect(ProviderText.line(bomb).utf8.count <= 303)
  }

  @Test(arguments: [
    ("file-aZ_9~x", "file-aZ_9~x"), ("../admin", "..%2Fadmin"), ("..", "%2E%2E"), ("a?b#c d", "a%3Fb%23c%20d"),
    ("ü\n", "%C3%BC%0A"),
  ])
  func segments(id: String, encoded: String) {
    #expect(ProviderText.pathSegment(id) == encoded)
  }

  @Test(arguments: [
    ("https://api.test/v1", "https://api.test/v1"), ("https://u:p@api.test/v1", "https://api.test/v1"),
    ("https://u:p@ss@api.test", "https://api.test"), ("https://api.test/a@b", "https://api.test/a@b"),
    ("api.test", "api.test"),
  ])
  func urlsWithoutCredentials(url: String, expected: String) {
    #expect(ProviderText.withoutUserInfo(url) == expected)
  }
}
