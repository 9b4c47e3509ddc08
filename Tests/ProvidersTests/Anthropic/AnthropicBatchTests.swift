import BatchCore
import Providers
import Testing

private let body = makeBody(
  #"{"model":"claude-*","max_tokens":256,"messages":[{"role":"user","content":"hi"}]}"#, model: "claude-*")

private func submission(
  _ rows: [BatchRow], _ provider: AnthropicProvider = makeAnthropic(ScriptedHTTP())
) -> BatchSubmission {
  let model = "claude-haiku-5-5"
  let size = provider.inputSize(
    of: rows.count, customIDBytes: rows.reduce(0) { $0 + Int64($1.customID.utf8.count) },
    bodyBytes: rows.reduce(0) { $0 + Int64($1.body.bytes.count) },
    modelRangeBytes: rows.reduce(0) { $0 + Int64($1.body.modelRange.count) }, model: model, endpoint: .messages)
  return BatchSubmission(label: "mr-1", endpoint: .messages, model: model, rowCount: rows.count, inputBytes: size)
}

@Suite(.timeLimit(.minutes(4)))
struct AnthropicBatchTests {
  private func create(
    _ rows: RowChunks, _ submission: BatchSubmission,
    _ step: ScriptedHTTP.Step = .answer(200, [], MessageSamples.running)
  ) async -> (error: ProviderError?, sent: [ScriptedHTTP.Sent]) {
    let http = ScriptedHTTP(step)
    let error = await errorOf { () throws(ProviderError) in
      try await makeAnthropic(http).create(submission, input: .rows(rows), timeout: .seconds(15))
    }
    return (error, await http.sent)
  }

  @Test func createIsTheDocumentedOne() async throws {
    let rows = [BatchRow(customID: "r-1", body: body)]
    let http = ScriptedHTTP(.answer(200, [], MessageSamples.running))
    let snapshot = try await makeAnthropic(http)
      .create(submission(rows), input: .rows(RowChunks(chunks: [rows])), timeout: .seconds(15))
    let sent = try #require(await http.sent.first)
    #expect(sent.line == "POST https://api.example.test/v1/messages/batches")
    #expect(sent.text == MessageSamples.request)
    #expect(sent.declaredLength == Int64(sent.body.count))
    #expect(sent.request.mustNotRepeat)
    #expect(sent.request.limits.idle == .seconds(15))
    #expect(snapshot.id == "msgbatch_1")
    #expect(snapshot.state == .running)
    #expect(snapshot.counts == BatchSnapshot.Counts(total: 1, completed: 0, failed: 0))
    #expect(snapshot.createdAt == Timestamp(milliseconds: 1_795_428_000_000))
    #expect(snapshot.outputFileID == nil)
  }

  /// The declared length is that of the bytes, whatever the rows and however they are chunked.
  @Test(arguments: 0..<8)
  func lengthIsExact(seed: UInt64) async throws {
    var random = SeededGenerator(seed: seed)
    var chunks: [[BatchRow]] = []
    for _ in 0..<Int.random(in: 1...6, using: &random) {
      chunks.append(
        (0..<Int.random(in: 0...200, using: &random)).map { _ in
          let model = String(repeating: "m", count: Int.random(in: 1...20, using: &random))
          let text = String(repeating: "ä\\n", count: Int.random(in: 0...900, using: &random))
          return BatchRow(
            customID: "mr-1_\(random.next() % 1000)_1",
            body: makeBody(#"{"messages":[],"system":"\#(text)","model":"\#(model)"}"#, model: model))
        })
    }
    if chunks.allSatisfy(\.isEmpty) { chunks.append([BatchRow(customID: "a", body: body)]) }
    let made = submission(Array(chunks.joined()))
    let (error, sent) = await create(RowChunks(chunks: chunks), made)
    #expect(error == nil)
    #expect(sent.first.map { Int64($0.body.count) } == made.inputBytes)
  }

  @Test func whatIsNotDeclaredIsNotSent() async {
    let rows = [BatchRow(customID: "r-1", body: body), BatchRow(customID: "r-2", body: body)]
    var broken = RowChunks(chunks: [rows])
    broken.isBroken = true
    let outside = BatchRow(customID: "r-2", body: RequestBody(bytes: body.bytes, modelRange: 0..<9999))
    for (chunks, made) in [
      (RowChunks(chunks: [rows]), submission(Array(rows.prefix(1)))),
      (RowChunks(chunks: [Array(rows.prefix(1))]), submission(rows)), (broken, submission(rows)),
      (RowChunks(chunks: [[BatchRow(customID: "not allowed", body: body)]]), submission(Array(rows.prefix(1)))),
      (RowChunks(chunks: [[BatchRow(customID: String(repeating: "a", count: 65), body: body)]]), submission(rows)),
      (RowChunks(chunks: [[outside]]), submission(Array(rows.prefix(1)))),
    ] {
      let (error, sent) = await create(chunks, made)
      // A body that does not come to its end makes no batch, so there is nothing to look for.
      #expect(error?.isAmbiguous == false)
      #expect(error?.reason == .unavailable(retryAfter: nil))
      #expect(sent.isEmpty)
    }
  }

  @Test func createsThatMayHaveHappened() async {
    let rows = [BatchRow(customID: "r-1", body: body)]
    let chunks = RowChunks(chunks: [rows])
    let steps: [(ScriptedHTTP.Step, Bool)] = [
      (.fail(failure(.timedOut(.total), sent: true)), true), (.fail(failure(.connectionLost, sent: true)), true),
      (.fail(failure(.unreachable, sent: false)), false), (.answer(500, [], MessageSamples.error("api_error")), true),
      (.answer(529, [], MessageSamples.error("overloaded_error")), true), (.answer(200, [], "{}"), true),
      (.answer(400, [], MessageSamples.error("invalid_request_error")), false),
      (.answer(413, [], MessageSamples.error("request_too_large")), false),
      (.answer(429, [], MessageSamples.error("rate_limit_error")), false),
    ]
    for (step, isAmbiguous) in steps {
      let (error, _) = await create(chunks, submission(rows), step)
      #expect(error?.isAmbiguous == isAmbiguous, "\(step)")
    }
  }

  @Test func states() async throws {
    func state(_ body: String) async throws -> BatchState {
      try await makeAnthropic(ScriptedHTTP(.answer(200, [], body))).retrieve("msgbatch_1").state
    }
    #expect(try await state(MessageSamples.running) == .running)
    #expect(try await state(MessageSamples.running.replacing("in_progress", with: "canceling")) == .cancelling)
    #expect(
      try await state(MessageSamples.running.replacing("in_progress", with: "dreaming")) == .unrecognised("dreaming"))
    #expect(try await state(MessageSamples.ended("b", succeeded: 3)) == .completed)
    #expect(try await state(MessageSamples.ended("b", succeeded: 1, canceled: 2, cancelled: true)) == .cancelled)
    // Cancelled after its last row.
    #expect(try await state(MessageSamples.ended("b", succeeded: 3, cancelled: true)) == .completed)
    #expect(try await state(MessageSamples.ended("b", succeeded: 1, expired: 2)) == .expired)
    #expect(try await state(#"{"id":"b"}"#) == .unrecognised(""))
  }

  @Test func resultsAreAskedForAtTheOwnAddress() async throws {
    let http = ScriptedHTTP(
      .answer(200, [], MessageSamples.ended("msgbatch_1", succeeded: 1)), .stream(200, [Array("".utf8)]))
    let provider = makeAnthropic(http)
    let file = try #require(try await provider.retrieve("msgbatch_1").outputFileID)
    _ = try await provider.results(fileID: file)
    #expect(await http.sent.last?.line == "GET https://api.example.test/v1/messages/batches/msgbatch_1/results")
  }

  @Test func resultLines() async throws {
    let more = [
      #"{"custom_id":"r-5","result":{"type":"errored","error":{"type":"error","error":{"type":"overloaded_error","message":"busy"}}}}"#,
      #"{"custom_id":"r-6","result":{"type":"errored","error":{"type":"api_error","message":"once"}}}"#,
      #"{"custom_id":"r-7","result":{"type":"errored","error":{"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low to access the Anthropic API."}}}}"#,
      #"{"custom_id":"r-8","result":{"type":"succeeded"}}"#, #"{"custom_id":"r-9","result":{"type":"new"}}"#,
      #"{"custom_id":"r-10","result":{"type":"errored","error":{"type":"error","error":{"type":"brand_new_error","message":"m"}}}}"#,
      #"{"result":{"type":"expired"}}"#, "no json",
    ]
    let text = (MessageSamples.results + more).joined(separator: "\r\n") + "\n"
    let source = try await makeAnthropic(ScriptedHTTP(.stream(200, [Array(text.utf8)]))).results(fileID: "b")
    var results: [String: BatchResult] = [:]
    while let part = try await source.next() { for result in part { results[result.customID] = result } }
    let dispositions = results.mapValues(\.disposition)
    #expect(
      dispositions == [
        "r-1": .succeeded, "r-2": .rejected, "r-3": .notExecuted(.cancelled), "r-4": .notExecuted(.expired),
        "r-5": .retryable(retryAfter: nil), "r-6": .retryable(retryAfter: nil), "r-7": .accountClosed(.billing),
        "r-8": .rejected, "r-9": .retryable(retryAfter: nil), "r-10": .retryable(retryAfter: nil),
      ])
    #expect(source.unreadableLines == 2)
    let first = try #require(results["r-1"])
    #expect(first.usage == Usage(inputTokens: 10, outputTokens: 5))
    #expect(first.response.map { String(decoding: $0.body, as: UTF8.self) }?.hasPrefix(#"{"id":"msg_1""#) == true)
    #expect(results["r-2"]?.response?.requestID == "req_1")
    #expect(results["r-2"]?.response?.statusCode == 400)
    #expect(results["r-2"]?.message == "claude answered 400 (invalid_request_error): ...")
  }

  @Test func cancelOfWhatHasEnded() async throws {
    let http = ScriptedHTTP(
      .answer(400, [], MessageSamples.error("invalid_request_error")),
      .answer(200, [], MessageSamples.ended("b", succeeded: 1)))
    #expect(try await makeAnthropic(http).cancel("b").state == .completed)
    #expect(await http.sent.map(\.line).first == "POST https://api.example.test/v1/messages/batches/b/cancel")
  }
}
