import BatchCore
import Providers
import Testing

private let submission = BatchSubmission(
  label: "run-01HX", endpoint: .embeddings, model: "m", rowCount: 1, inputBytes: 9)

@Suite(.timeLimit(.minutes(4)))
struct BatchTests {
  @Test(arguments: [200, 201, 202])
  func creates(status: Int) async throws {
    let http = ScriptedHTTP(
      .answer(status, [], #"{"id":"batch_1","status":"validating","metadata":{"millrace_label":"run-01HX"}}"#))
    let snapshot = try await makeProvider(http).create(submission, input: .file("file-a"), timeout: .seconds(15))
    var expected = BatchSnapshot(id: "batch_1", state: .queued)
    expected.label = "run-01HX"
    #expect(snapshot == expected)
    let sent = try #require(await http.sent.first)
    #expect(sent.line == "POST https://api.example.test/v1/batches")
    #expect(
      sent.text
        == #"{"input_file_id":"file-a","endpoint":"/v1/embeddings","completion_window":"24h","metadata":{"millrace_label":"run-01HX"}}"#
    )
    #expect(sent.request.mustNotRepeat)
  }

  @Test func acceptsAWrappedBatch() async throws {
    let http = ScriptedHTTP(.answer(200, [], #"{"job":{"id":"b","status":"VALIDATING"},"warning":null}"#))
    let snapshot = try await makeProvider(http).create(submission, input: .file("f"), timeout: .seconds(15))
    #expect(snapshot == BatchSnapshot(id: "b", state: .queued))
  }

  @Test(arguments: [
    (
      ScriptedHTTP.Step.fail(failure(.timedOut(.total), sent: true)), ProviderError.Reason.unavailable(retryAfter: nil),
      true
    ),
    (.fail(failure(.connectionLost, sent: true)), .unavailable(retryAfter: nil), true),
    (.fail(failure(.connectionLost, sent: false)), .unavailable(retryAfter: nil), false),
    (.fail(failure(.unreachable, sent: false)), .unavailable(retryAfter: nil), false),
    (.fail(failure(.tls, sent: false)), .unavailable(retryAfter: nil), false),
    (.fail(failure(.cancelled, sent: true)), .cancelled, true),
    (.fail(failure(.responseTooLarge, sent: true)), .invalidResponse, true),
    (.answer(200, [], "not json"), .invalidResponse, true),
    (.answer(200, [], #"{"status":"validating"}"#), .invalidResponse, true),
    (.answer(200), .invalidResponse, true),
    (.answer(500), .unavailable(retryAfter: nil), true),
    (.answer(503, [("retry-after", "4")]), .unavailable(retryAfter: .seconds(4)), true),
    (.answer(504), .unavailable(retryAfter: nil), true),
    (.answer(408), .unavailable(retryAfter: nil), true),
    (.answer(409), .unavailable(retryAfter: nil), true),
    (.answer(400), .rejected(statusCode: 400), false),
    (.answer(401), .accountClosed(.unauthorised), false),
    (.answer(404), .notFound, false),
    (.answer(429), .rateLimited(retryAfter: nil), false),
    (.answer(429, [], #"{"error":{"type":"insufficient_quota"}}"#), .accountClosed(.billing), false),
    (.answer(302), .unavailable(retryAfter: nil), false),
  ])
  func creationIsAmbiguousOrNot(step: ScriptedHTTP.Step, reason: ProviderError.Reason, isAmbiguous: Bool) async {
    let provider = makeProvider(ScriptedHTTP(step))
    let error = await errorOf { () throws(ProviderError) in
      try await provider.create(submission, input: .file("f"), timeout: .seconds(15))
    }
    #expect(error?.reason == reason)
    #expect(error?.isAmbiguous == isAmbiguous)
  }

  @Test func retrieves() async throws {
    let http = ScriptedHTTP(.answer(200, [], #"{"id":"b","status":"finalizing"}"#), .answer(404), .answer(500))
    let provider = makeProvider(http)
    #expect(try await provider.retrieve("b/../x") == BatchSnapshot(id: "b", state: .running))
    #expect(await http.sent.first?.line == "GET https://api.example.test/v1/batches/b%2F..%2Fx")
    let missing = await errorOf { () throws(ProviderError) in try await provider.retrieve("b") }
    #expect(missing?.reason == .notFound)
    let failed = await errorOf { () throws(ProviderError) in try await provider.retrieve("b") }
    #expect(failed?.isAmbiguous == false)
  }

  @Test(
    "a batch that is forgotten may be told with a status of success",
    arguments: [
      (#"{"error":{"message":"No such batch","type":"invalid_request_error","code":"batch_not_found"}}"#, true),
      (#"{"error":{"message":"gone","code":404}}"#, true),
      (#"{"error":{"message":"gone","type":"not_found_error"}}"#, true),
      (#"{"error":{"message":"try again","type":"server_error"}}"#, false),
      (#"{"error":{"message":"no such model","code":"model_not_found"}}"#, false),
      (#"{"error":null}"#, false),
    ])
  func forgotten(body: String, isNotFound: Bool) async {
    let provider = makeProvider(ScriptedHTTP(.answer(200, [], body), .answer(200, [], body)))
    let error = await errorOf { () throws(ProviderError) in try await provider.retrieve("b") }
    #expect(error?.reason == (isNotFound ? .notFound : .invalidResponse))
    // Of a create it says nothing.
    let create = await errorOf { () throws(ProviderError) in
      try await provider.create(submission, input: .file("f"), timeout: .seconds(15))
    }
    #expect(create?.reason == .invalidResponse && create?.isAmbiguous == true)
  }

  @Test func cancels() async throws {
    let http = ScriptedHTTP(.answer(200, [], #"{"id":"b","status":"cancelling"}"#))
    #expect(try await makeProvider(http).cancel("b") == BatchSnapshot(id: "b", state: .cancelling))
    let sent = try #require(await http.sent.first)
    #expect(sent.line == "POST https://api.example.test/v1/batches/b/cancel")
    #expect(sent.request.body == nil)
  }

  @Test(arguments: [400, 409])
  func whatHasEndedNeedsNoCancel(status: Int) async throws {
    let http = ScriptedHTTP(.answer(status), .answer(200, [], #"{"id":"b","status":"completed"}"#))
    #expect(try await makeProvider(http).cancel("b") == BatchSnapshot(id: "b", state: .completed))
    let running = ScriptedHTTP(.answer(status), .answer(200, [], #"{"id":"b","status":"in_progress"}"#))
    let error = await errorOf { () throws(ProviderError) in try await makeProvider(running).cancel("b") }
    #expect(error != nil)
  }

  @Test func deletesFiles() async throws {
    let http = ScriptedHTTP(
      .answer(200, [], #"{"id":"file-x","object":"file","deleted":true}"#), .answer(404), .answer(500))
    let provider = makeProvider(http)
    try await provider.deleteFile("file-x")
    try await provider.deleteFile("file-x")
    let error = await errorOf { () throws(ProviderError) in try await provider.deleteFile("file-x") }
    #expect(error?.reason == .unavailable(retryAfter: nil))
    #expect(await http.sent.first?.line == "DELETE https://api.example.test/v1/files/file-x")
  }
}

@Suite(.timeLimit(.minutes(4)))
struct SearchTests {
  private func page(_ batches: [(id: String, created: Int, label: String)], hasMore: Bool) -> ScriptedHTTP.Step {
    let data = batches.map {
      #"{"id":"\#($0.id)","status":"in_progress","created_at":\#($0.created),"metadata":{"millrace_label":"\#($0.label)"}}"#
    }
    return .answer(200, [], #"{"object":"list","data":[\#(data.joined(separator: ","))],"has_more":\#(hasMore)}"#)
  }

  private func find(_ http: ScriptedHTTP) async throws(ProviderError) -> [String] {
    try await makeProvider(http).findBatches(
      BatchSearch(
        label: "L", inputFileID: "file-own", createdAfter: Timestamp(milliseconds: 10_000_000), rowCount: 1)
    )
    .map(\.id)
  }

  @Test func readsBackToTheIntent() async throws {
    // The intent was written at 10,000 s; a provider's clock may be 900 s behind.
    let http = ScriptedHTTP(
      page([("b5", 10_400, "x"), ("b4", 10_300, "L")], hasMore: true),
      page([("b3", 9200, "L"), ("b2", 9050, "y")], hasMore: true),
      page([("b1", 9000, "y"), ("b0", 8900, "L")], hasMore: true))
    #expect(try await find(http) == ["b4", "b3", "b0"])
    let pages = await http.sent.map(\.line)
    #expect(pages == ["", "&after=b4", "&after=b2"].map { "GET https://api.example.test/v1/batches?limit=100" + $0 })
  }

  @Test func stopsWhereTheListEnds() async throws {
    #expect(try await find(ScriptedHTTP(page([], hasMore: false))) == [])
    #expect(try await find(ScriptedHTTP(page([("a", 10_001, "L")], hasMore: false))) == ["a"])
    #expect(try await find(ScriptedHTTP(page([("a", 5, "x"), ("b", 3, "x")], hasMore: true))) == [])
    let bare = #"[{"id":"a","status":"VALIDATING","metadata":{"millrace_label":"L"}},{"no":1},7]"#
    #expect(try await find(ScriptedHTTP(.answer(200, [], bare))) == ["a"])
  }

  @Test func theSameBatchOnTwoPagesCountsOnce() async throws {
    let http = ScriptedHTTP(
      page([("a", 10_001, "L"), ("b", 10_001, "x")], hasMore: true),
      page([("a", 10_001, "L"), ("c", 10_001, "x")], hasMore: false))
    #expect(try await find(http) == ["a"])
  }

  @Test func otherKeysOfMetadataDoNotMatter() async throws {
    let text =
      #"{"data":[{"id":"a","metadata":{"millrace_label":"L","request_source":"api","n":1}},{"id":"b","metadata":{"x":"L"}}]}"#
    #expect(try await find(ScriptedHTTP(.answer(200, [], text))) == ["a"])
  }

  /// Servers that drop metadata give back the input file.
  @Test func aBatchWithoutMetadataIsKnownByItsInputFile() async throws {
    func batches(_ file: String) -> ScriptedHTTP.Step {
      .answer(200, [], #"{"data":[{"id":"a","input_file_id":"\#(file)"},{"id":"b","input_file_id":"file-2"}]}"#)
    }
    #expect(try await find(ScriptedHTTP(batches("file-own"))) == ["a"])
    let files = ScriptedHTTP.Step.answer(
      200, [], #"{"data":[{"id":"file-1","filename":"L.jsonl"},{"id":"file-2","filename":"other.jsonl"}]}"#)
    #expect(try await find(ScriptedHTTP(batches("file-1"), files)) == ["a"])
    // At OpenAI itself metadata stays, and nobody else's file is read.
    #expect(try await find(ScriptedHTTP(batches("file-3"), files)) == [])
  }

  @Test func aCompatibleServersFilesAreLookedInto() async throws {
    let batches = ScriptedHTTP.Step.answer(
      200, [], #"{"data":[{"id":"a","input_file_id":"f1"},{"id":"b","input_file_id":"f2"},{"id":"c"}]}"#)
    func find(_ steps: [ScriptedHTTP.Step]) async throws(ProviderError) -> [String] {
      let http = ScriptedHTTP(batches)
      for step in steps { await http.add(step) }
      return try await makeProvider(http) { $0.dialect = .openAICompatible }
        .findBatches(BatchSearch(label: "L", createdAfter: Timestamp(milliseconds: 10_000_000), rowCount: 1))
        .map(\.id)
    }
    let other = ScriptedHTTP.Step.stream(200, [Array(#"{"custom_id":"L2_1_1","#.utf8)])
    let own = ScriptedHTTP.Step.stream(200, [Array(#"{"custom_"#.utf8), Array(#"id":"L_7_1","method":"POST""#.utf8)])
    #expect(try await find([.answer(404), other, own]) == ["b"])
    #expect(try await find([.answer(200, [], #"{"data":[]}"#), .stream(404, []), other]) == [])
    let error = await errorOf { () throws(ProviderError) in
      try await find([.answer(404), .stream(500, [Array("oops".utf8)])])
    }
    #expect(error?.reason == .unavailable(retryAfter: nil))
  }

  /// "Not found" leads to a second submission, so it is never said of a list that was not read.
  @Test(arguments: [
    ScriptedHTTP.Step.answer(200, [], #"{"object":"list"}"#), .answer(200, [], "x"), .answer(500),
    .answer(200, [], #"{"data":[],"has_more":true}"#), .fail(failure(.connectionLost, sent: true)),
  ])
  func anUnreadListIsAnError(step: ScriptedHTTP.Step) async {
    let error = await errorOf { () throws(ProviderError) in try await find(ScriptedHTTP(step)) }
    #expect(error != nil)
    #expect(error?.isAmbiguous == false)
  }

  @Test func aListThatGoesInCirclesIsAnError() async {
    let same = page([("a", 10_001, "x")], hasMore: true)
    let error = await errorOf { () throws(ProviderError) in try await find(ScriptedHTTP(same, same)) }
    #expect(error?.reason == .invalidResponse)
  }

  @Test func findsFilesByName() async throws {
    let pages: [ScriptedHTTP.Step] = [
      .answer(200, [], #"{"data":[{"id":"f1","filename":"M.jsonl"},{"id":"f2"}],"has_more":true,"last_id":"f2"}"#),
      .answer(
        200, [], #"{"data":[{"id":"f3","filename":"L.jsonl"},{"id":"f4","filename":"L.jsonl"}],"has_more":true}"#),
    ]
    let http = ScriptedHTTP(pages[0], pages[1])
    #expect(try await makeProvider(http).findFile(label: "L") == "f3")
    #expect(
      await http.sent.map(\.line) == [
        "GET https://api.example.test/v1/files?purpose=batch&order=desc&limit=1000",
        "GET https://api.example.test/v1/files?purpose=batch&order=desc&limit=1000&after=f2",
      ])
    let none = ScriptedHTTP(.answer(200, [], #"{"data":[{"id":"f1","filename":"L.jsonl.bak"}]}"#))
    #expect(try await makeProvider(none).findFile(label: "L") == nil)
  }
}
