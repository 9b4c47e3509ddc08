import BatchCore
import Testing

@testable import Providers

/// OpenAI's files and batches.
@Suite(.timeLimit(.minutes(4)))
struct OpenAIBatchRecordedTests {
  private static func file(_ status: String) -> String {
    #"""
    {"id":"file-abc","object":"file","bytes":1234,"created_at":1790000000,"expires_at":1790604800,
     "filename":"run-1.jsonl","purpose":"batch","status":"\#(status)","status_details":null}
    """#
  }

  /// The status of a file is deprecated, and means nothing here.
  @Test(arguments: ["uploaded", "processed", "error", "brand_new"])
  func files(_ status: String) async throws {
    let submission = BatchSubmission(
      label: "run-1", endpoint: .chatCompletions, model: "m", rowCount: 0, inputBytes: 0)
    for text in try RecordedAPI.bothWays(Self.file(status)) {
      let http = ScriptedHTTP(.answer(200, [], text))
      #expect(try await makeProvider(http).upload(submission, rows: Rows([])) == "file-abc")
      #expect(await http.sent.count == 1)
    }
  }

  @Test func lists() async throws {
    let files = #"{"object":"list","data":[\#(Self.file("processed"))],"first_id":"file-abc","has_more":false}"#
    for text in try RecordedAPI.bothWays(files) {
      #expect(try await makeProvider(ScriptedHTTP(.answer(200, [], text))).findFile(label: "run-1") == "file-abc")
    }
    let empty = #"{"object":"list","data":[],"first_id":null,"last_id":null,"has_more":false}"#
    let first =
      #"{"object":"list","data":[{"id":"b2","object":"batch","status":"brand_new","created_at":1790000000,"metadata":null}],"first_id":"b2","last_id":"b2","has_more":true}"#
    let pages = try zip(RecordedAPI.bothWays(first), RecordedAPI.bothWays(empty))
    for (first, last) in pages {
      let http = ScriptedHTTP(.answer(200, [], first), .answer(200, [], last))
      let search = BatchSearch(label: "run-1", createdAfter: testNow, rowCount: 1)
      #expect(try await makeProvider(http).findBatches(search) == [])
      #expect(await http.sent.last?.line == "GET https://api.example.test/v1/batches?limit=100&after=b2")
    }
  }

  struct Moment: Sendable, CustomTestStringConvertible {
    var text: String
    var expected: BatchSnapshot

    init(_ status: String, _ state: BatchState, _ more: String, _ change: (inout BatchSnapshot) -> Void) {
      text = #"""
        {"id":"batch_1","object":"batch","endpoint":"/v1/chat/completions","model":"gpt-6-luna","input_file_id":"file-abc",
         "completion_window":"24h","status":"\#(status)","created_at":1790000000,"expires_at":1790086400,
         "metadata":{"svc":"batcher","millrace_label":"run-1"},\#(more)}
        """#
      expected = BatchSnapshot(id: "batch_1", state: state)
      expected.label = "run-1"
      expected.inputFileID = "file-abc"
      expected.createdAt = Timestamp(milliseconds: 1_790_000_000_000)
      expected.expiresAt = Timestamp(milliseconds: 1_790_086_400_000)
      change(&expected)
    }

    var testDescription: String { "\(expected.state)" }
  }

  private static let noFiles = #""errors":null,"output_file_id":null,"error_file_id":null"#
  private static let usage =
    #""usage":{"input_tokens":20,"input_tokens_details":{"cached_tokens":8},"output_tokens":9,"output_tokens_details":{"reasoning_tokens":4},"total_tokens":29}"#

  /// A batch at every point of its life.
  static let moments: [Moment] = [
    Moment(
      "validating", .queued, noFiles + #","in_progress_at":null,"request_counts":{"total":0,"completed":0,"failed":0}"#
    ) { $0.counts = BatchSnapshot.Counts(total: 0, completed: 0, failed: 0) },
    Moment(
      "in_progress", .running, #""in_progress_at":1790000060,"request_counts":{"total":9,"completed":4,"failed":1}"#
    ) { $0.counts = BatchSnapshot.Counts(total: 9, completed: 4, failed: 1) },
    // All is counted, and it may last.
    Moment(
      "finalizing", .running,
      noFiles + #","finalizing_at":1790000120,"request_counts":{"total":9,"completed":9,"failed":0}"#
    ) { $0.counts = BatchSnapshot.Counts(total: 9, completed: 9, failed: 0) },
    Moment(
      "completed", .completed,
      #""output_file_id":"file-out","error_file_id":"file-err","completed_at":1790000180,"request_counts":{"total":9,"completed":8,"failed":1},\#(usage)"#
    ) {
      $0.outputFileID = "file-out"
      $0.errorFileID = "file-err"
      $0.counts = BatchSnapshot.Counts(total: 9, completed: 8, failed: 1)
      $0.usage = Usage(inputTokens: 20, cachedInputTokens: 8, outputTokens: 9)
    },
    // Every line failed: there is no output.
    Moment(
      "completed", .completed,
      #""output_file_id":null,"error_file_id":"file-err","request_counts":{"total":9,"completed":0,"failed":9}"#
    ) {
      $0.errorFileID = "file-err"
      $0.counts = BatchSnapshot.Counts(total: 9, completed: 0, failed: 9)
    },
    Moment(
      "failed", .failed,
      #""errors":{"object":"list","data":[{"code":"invalid_json_line","message":"Not JSON.","param":null,"line":3}]},"output_file_id":null,"failed_at":1790000070,"request_counts":{"total":0,"completed":0,"failed":0}"#
    ) {
      $0.problems = [.init(code: "invalid_json_line", message: "Not JSON.", line: 3)]
      $0.counts = BatchSnapshot.Counts(total: 0, completed: 0, failed: 0)
    },
    // What expired is not counted as failed.
    Moment(
      "expired", .expired,
      #""output_file_id":"file-out","error_file_id":"file-err","expired_at":1790086400,"request_counts":{"total":10,"completed":1,"failed":0}"#
    ) {
      $0.outputFileID = "file-out"
      $0.errorFileID = "file-err"
      $0.counts = BatchSnapshot.Counts(total: 10, completed: 1, failed: 0)
    },
    Moment("cancelling", .cancelling, noFiles + #","cancelling_at":1790000070"#) { _ in },
    Moment(
      "cancelled", .cancelled,
      #""output_file_id":"file-out","error_file_id":"file-err","cancelling_at":1790000070,"cancelled_at":1790000600"#
    ) {
      $0.outputFileID = "file-out"
      $0.errorFileID = "file-err"
    },
    Moment("on_hold", .unrecognised("on_hold"), #""on_hold_at":1790000070,"output_file_id":"file-out""#) {
      $0.outputFileID = "file-out"
    },
  ]

  @Test(arguments: moments)
  func batches(_ moment: Moment) throws {
    for text in try RecordedAPI.bothWays(moment.text) {
      #expect(try RecordedAPI.openAI.snapshot(text) == moment.expected)
    }
  }

  private static func refused(_ code: String) -> Failure {
    Failure(.providerRejected, "the provider failed the batch (\(code)): because")
  }

  /// Why validation fails, with a line and without.
  @Test(
    arguments: [
      (
        "token_limit_exceeded", "null",
        "Enqueued token limit reached for gpt-6-luna in organization org-1. Limit: 2,000,000 enqueued tokens.",
        .resubmitWithRoom(cap: 2_000_000)
      ),
      ("invalid_json_line", "3", "because", .dropLines([3], refused("invalid_json_line"))),
      ("duplicate_custom_id", "7", "because", .dropLines([7], refused("duplicate_custom_id"))),
      ("duplicate_custom_id", "null", "because", .halve),
      ("url_mismatch", "1", "because", .dropLines([1], refused("url_mismatch"))),
      ("model_mismatch", "2", "because", .dropLines([2], refused("model_mismatch"))),
      ("empty_file", "null", "because", .failAll(refused("empty_file"))),
      ("too_many_tasks", "null", "The batch exceeds the limit of 50,000 tasks.", .tooManyRows(limit: 50_000)),
      ("brand_new", "null", "because", .failAll(refused("brand_new"))),
      ("brand_new", "4", "because", .dropLines([4], refused("brand_new"))),
    ] as [(String, String, String, BatchDisposition)])
  func validation(_ code: String, _ line: String, _ message: String, _ expected: BatchDisposition) throws {
    let batch =
      #"{"id":"b","status":"failed","errors":{"object":"list","data":[{"code":"\#(code)","message":"\#(message)","param":null,"line":\#(line)}]}}"#
    for text in try RecordedAPI.bothWays(batch) {
      let found = try #require(try RecordedAPI.openAI.snapshot(text))
      #expect(BatchFailure.disposition(of: found.problems, rowCount: 100, halvings: 0) == expected)
    }
  }

  /// A batch that its provider has forgotten: by the status, or by what is said in the place of a batch.
  @Test(arguments: [(404, ProviderError.Reason.notFound), (200, .invalidResponse)])
  func forgotten(_ status: Int, _ reason: ProviderError.Reason) async throws {
    let body = #"{"error":{"message":"No batch found.","type":"invalid_request_error","param":null,"code":null}}"#
    for text in try RecordedAPI.bothWays(body) {
      let error = await errorOf { () throws(ProviderError) in
        try await makeProvider(ScriptedHTTP(.answer(status, [], text))).retrieve("b")
      }
      #expect(error?.reason == reason)
      #expect(error?.isAmbiguous == false)
    }
  }
}
