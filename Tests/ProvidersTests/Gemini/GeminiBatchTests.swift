import BatchCore
import Providers
import Testing

@Suite(.timeLimit(.minutes(4)))
struct GeminiBatchTests {
  private let submission = BatchSubmission(
    label: "01HX", endpoint: .generateContent, model: "gemini-3.8-flash", rowCount: 1, inputBytes: 0)

  private func create(_ step: ScriptedHTTP.Step) async -> (error: ProviderError?, sent: [ScriptedHTTP.Sent]) {
    let http = ScriptedHTTP(step)
    let error = await errorOf { () throws(ProviderError) in
      try await makeGemini(http).create(submission, input: .file("files/abc"), timeout: .seconds(15))
    }
    return (error, await http.sent)
  }

  private func snapshot(_ body: String) async throws -> BatchSnapshot {
    try await makeGemini(ScriptedHTTP(.answer(200, [], body))).retrieve("batches/123")
  }

  @Test func createIsTheDocumentedOne() async throws {
    let http = ScriptedHTTP(.answer(200, [], GeminiSamples.running))
    let found = try await makeGemini(http).create(submission, input: .file("files/abc"), timeout: .seconds(15))
    let sent = try #require(await http.sent.first)
    #expect(sent.line == "POST https://api.example.test/v1beta/models/gemini-3.8-flash:batchGenerateContent")
    #expect(sent.text == GeminiSamples.create)
    #expect(sent.request.mustNotRepeat)
    #expect(sent.request.limits.total == .seconds(15))
    #expect(found.id == "batches/123")
    #expect(found.label == "01HX")
    #expect(found.state == .running)
    #expect(found.counts == BatchSnapshot.Counts(total: 2, completed: 0, failed: 0))
    #expect(found.createdAt == Timestamp(milliseconds: 1_795_428_000_123))
    #expect(found.outputFileID == "files/out")
  }

  @Test func createsThatMayHaveHappened() async {
    let gone = "You do not have permission to access the File abc or it may not exist."
    let steps: [(ScriptedHTTP.Step, Bool, ProviderError.Reason)] = [
      (.fail(failure(.timedOut(.total), sent: true)), true, .unavailable(retryAfter: nil)),
      (.fail(failure(.unreachable, sent: false)), false, .unavailable(retryAfter: nil)),
      (.answer(500, [], GeminiSamples.error(500, "INTERNAL")), true, .unavailable(retryAfter: nil)),
      (.answer(200, [], "{}"), true, .invalidResponse),
      (.answer(400, [], GeminiSamples.error(400, "INVALID_ARGUMENT")), false, .rejected(statusCode: 400)),
      // No such model; no such file, which is uploaded again.
      (.answer(404, [], GeminiSamples.error(404, "NOT_FOUND")), false, .rejected(statusCode: 404)),
      (.answer(404, [], GeminiSamples.error(404, "NOT_FOUND", message: "files/abc")), false, .notFound),
      (.answer(403, [], GeminiSamples.error(403, "PERMISSION_DENIED", message: gone)), false, .notFound),
      (
        .answer(403, [], GeminiSamples.error(403, "PERMISSION_DENIED")), false, .accountClosed(.unauthorised)
      ),
      // Refused below the quota too, and without a time: minutes help.
      (.answer(429, [], GeminiSamples.quota), false, .rateLimited(retryAfter: .seconds(60))),
      (.answer(405, [], ""), false, .noBatches),
    ]
    for (step, isAmbiguous, reason) in steps {
      let (error, _) = await create(step)
      #expect(error?.isAmbiguous == isAmbiguous, "\(step)")
      #expect(error?.reason == reason, "\(step)")
    }
  }

  @Test(
    arguments: [
      ("UNSPECIFIED", nil), ("PENDING", .queued), ("QUEUED", .queued), ("RUNNING", .running), ("UPDATING", .running),
      ("PAUSED", .running), ("CANCELLING", .cancelling), ("SUCCEEDED", .completed),
      ("PARTIALLY_SUCCEEDED", .completed), ("FAILED", .failed), ("CANCELLED", .cancelled), ("EXPIRED", .expired),
      ("DREAMING", nil),
    ] as [(String, BatchState?)])
  func statesInBothSpellings(_ name: String, _ state: BatchState?) async throws {
    for prefix in ["BATCH_STATE_", "JOB_STATE_"] {
      let found = try await snapshot(GeminiSamples.batch(prefix + name))
      #expect(found.state == state ?? .unrecognised(prefix + name))
    }
  }

  @Test func operationsWithoutAState() async throws {
    #expect(try await snapshot(#"{"name":"batches/1"}"#).state == .unrecognised(""))
    #expect(try await snapshot(#"{"name":"batches/1","done":true,"response":{}}"#).state == .completed)
    let failed = try await snapshot(#"{"name":"batches/1","done":true,"error":{"code":13,"message":"m"}}"#)
    #expect(failed.state == .failed)
    #expect(failed.problems == [BatchSnapshot.Problem(code: "server_error", message: "m", line: nil)])
  }

  /// Success may be seen before the results are, and counts are then not to be believed.
  @Test func resultsThatComeLate() async throws {
    let stats = #","batchStats":{"requestCount":"2","successfulRequestCount":2}"#
    let early = try await snapshot(GeminiSamples.batch("BATCH_STATE_SUCCEEDED", more: stats))
    #expect(early.state == .completed && early.outputFileID == nil && early.counts == nil)
    let output = #","output":{"responsesFile":"files/out"}"#
    let late = try await snapshot(GeminiSamples.batch("BATCH_STATE_SUCCEEDED", more: stats + output))
    #expect(late.outputFileID == "files/out")
    #expect(late.counts == BatchSnapshot.Counts(total: 2, completed: 2, failed: 0))
    for tail in [
      #","response":{"responsesFile":"files/out"}"#, #","response":{"output":{"responsesFile":"files/out"}}"#,
    ] {
      #expect(try await snapshot(GeminiSamples.batch("JOB_STATE_SUCCEEDED", tail: tail)).outputFileID == "files/out")
    }
  }

  @Test func resultLines() async throws {
    let more = [
      #"{"key":"r-5","error":{"code":8,"message":"busy"}}"#, #"{"key":"r-6","error":{"code":13,"message":"m"}}"#,
      #"{"key":"r-7","error":{"code":503,"message":"m"}}"#, #"{"key":"r-8"}"#, #"{"key":"r-9","error":{"code":99}}"#,
      #"{"key":"r-10","error":{"code":404,"status":"NOT_FOUND","message":"m"}}"#,
      #"{"key":"r-11","response":{"promptFeedback":{"blockReason":"SAFETY"},"usageMetadata":{"promptTokenCount":"3"}}}"#,
      #"{"response":{}}"#, "no json",
    ]
    let text = (GeminiSamples.results + more).joined(separator: "\r\n") + "\n"
    let http = ScriptedHTTP(.stream(200, [Array(text.utf8)]))
    let source = try await makeGemini(http).results(fileID: "files/out")
    #expect(await http.sent.first?.line == "GET https://api.example.test/v1beta/files/out:download?alt=media")
    var results: [String: BatchResult] = [:]
    while let part = try await source.next() { for result in part { results[result.customID] = result } }
    #expect(
      results.mapValues(\.disposition) == [
        "r-1": .succeeded, "r-2": .notExecuted(.cancelled), "r-3": .succeeded, "r-4": .rejected,
        "r-5": .rateLimited(retryAfter: nil), "r-6": .retryable(retryAfter: nil), "r-7": .retryable(retryAfter: nil),
        "r-8": .retryable(retryAfter: nil), "r-9": .retryable(retryAfter: nil), "r-10": .rejected, "r-11": .succeeded,
      ])
    #expect(source.unreadableLines == 2)
    let first = try #require(results["r-1"])
    #expect(first.usage == Usage(inputTokens: 100, cachedInputTokens: 50, outputTokens: 12))
    #expect(first.response?.body == Array(GeminiSamples.answer.utf8))
    #expect(
      results["r-4"]?.response.map { String(decoding: $0.body, as: UTF8.self) }
        == #"{"error":{"code":3,"message":"..."}}"#)
    #expect(results["r-4"]?.response?.statusCode == 400)
    #expect(results["r-11"]?.usage == Usage(inputTokens: 3))
  }

  @Test func resultsAreTranslated() async throws {
    let text = GeminiSamples.results.joined(separator: "\n")
    let http = ScriptedHTTP(.stream(200, [Array(text.utf8)]))
    let results = try await makeGemini(http).results(fileID: "files/out", of: .chatCompletions).next() ?? []
    let bodies = results.map { $0.response.map { String(decoding: $0.body, as: UTF8.self) } ?? "" }
    #expect(bodies[0].contains(#""object":"chat.completion""#) && bodies[0].contains(#""content":"Hello""#))
    #expect(bodies[3].contains(#""error":{"message":"...""#) && !bodies[3].contains("chat.completion"))
  }

  @Test func cancelIsFollowedByALook() async throws {
    let http = ScriptedHTTP(.answer(200, [], "{}"), .answer(200, [], GeminiSamples.batch("JOB_STATE_CANCELLING")))
    #expect(try await makeGemini(http).cancel("batches/1").state == .cancelling)
    #expect(await http.sent.map(\.line).first == "POST https://api.example.test/v1beta/batches/1:cancel")
    let ended = ScriptedHTTP(
      .answer(400, [], GeminiSamples.error(400, "FAILED_PRECONDITION")),
      .answer(200, [], GeminiSamples.batch("BATCH_STATE_SUCCEEDED")))
    #expect(try await makeGemini(ended).cancel("batches/1").state == .completed)
  }
}
