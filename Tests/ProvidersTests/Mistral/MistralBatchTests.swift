import BatchCore
import Foundation
import Testing

@testable import Providers

private let body = makeBody(#"{"messages":[{"role":"user","content":"hi"}],"model":"m-*","n":1}"#, model: "m-*")

private func submission(_ rows: [BatchRow], _ endpoint: Endpoint = .mistralChat) -> BatchSubmission {
  let model = "mistral-small-latest"
  let size = makeMistral(ScriptedHTTP()).inputSize(
    of: rows.count, customIDBytes: rows.reduce(0) { $0 + Int64($1.customID.utf8.count) },
    bodyBytes: rows.reduce(0) { $0 + Int64($1.body.bytes.count) },
    modelRangeBytes: rows.reduce(0) { $0 + Int64($1.body.modelRange.count) }, model: model, endpoint: endpoint)
  return BatchSubmission(label: "01HX", endpoint: endpoint, model: model, rowCount: rows.count, inputBytes: size)
}

@Suite(.timeLimit(.minutes(4)))
struct MistralBatchTests {
  private static let uploaded = ScriptedHTTP.Step.answer(200, [], #"{"id":"UUID","object":"file","bytes":1}"#)

  private func lines(_ sent: ScriptedHTTP.Sent) throws -> [String] {
    let file = try #require(sent.text.components(separatedBy: "application/jsonl\r\n\r\n").last)
    return file.split(separator: "\n").map(String.init).filter { $0.hasPrefix("{") }
  }

  @Test func theModelIsLeftToTheJob() async throws {
    let rows = [
      #"{"messages":[],"model":"m-*","n":1}"#, #"{"model" : "m-*" , "n":1}"#, #"{"n":1, "model":"m-*"}"#,
      #"{"n":1,"\u006dodel":"m-*"}"#, #"{"model":"m-*"}"#, #"{"x":"\"model\":","model":"m-*","y":[]}"#,
    ].enumerated().map { BatchRow(customID: "r-\($0)", body: makeBody($1, model: "m-*")) }
    let http = ScriptedHTTP(Self.uploaded)
    #expect(try await makeMistral(http).upload(submission(rows), rows: RowChunks(chunks: [rows])) == "UUID")
    let sent = try #require(await http.sent.first)
    #expect(sent.line == "POST https://api.example.test/v1/files")
    #expect(sent.text.contains("name=\"purpose\"\r\n\r\nbatch\r\n"))
    #expect(sent.text.contains("filename=\"01HX.jsonl\""))
    #expect(sent.declaredLength == Int64(sent.body.count))
    #expect(sent.request.mustNotRepeat)
    let bodies = [
      #"{"messages":[],"n":1}"#, #"{"n":1}"#, #"{"n":1}"#, #"{"n":1}"#, "{}", #"{"x":"\"model\":","y":[]}"#,
    ]
    let found = try lines(sent)
    #expect(found.count == bodies.count)
    for (index, line) in found.enumerated() {
      #expect(try sameJSON(Array(line.utf8), #"{"custom_id":"r-\#(index)","body":\#(bodies[index])}"#), "\(line)")
    }
  }

  /// The declared length is that of the bytes, whatever the rows, and whether they are translated or not.
  @Test(arguments: 0..<8)
  func lengthIsExact(seed: UInt64) async throws {
    var random = SeededGenerator(seed: seed)
    var chunks: [[BatchRow]] = [[BatchRow(customID: "first", body: body)]]
    for _ in 0..<Int.random(in: 1...6, using: &random) {
      chunks.append(
        (0..<Int.random(in: 0...200, using: &random)).map { number in
          let model = String(repeating: "m", count: Int.random(in: 1...20, using: &random))
          let text = String(repeating: "ä\\n", count: Int.random(in: 0...900, using: &random))
          let members = [
            #""messages":[{"role":"user","content":"\#(text)"}]"#, #""model": "\#(model)""#, #""seed" :\#(number)"#,
          ].shuffled(using: &random)
          return BatchRow(
            customID: "mr-1_\(random.next() % 1000)_1",
            body: makeBody("{ \(members.joined(separator: " , ")) }", model: model))
        })
    }
    for endpoint in [Endpoint.mistralChat, .chatCompletions] {
      let http = ScriptedHTTP(Self.uploaded)
      let made = submission(Array(chunks.joined()), endpoint)
      _ = try await makeMistral(http).upload(made, rows: RowChunks(chunks: chunks))
      let sent = try #require(await http.sent.first)
      #expect(sent.declaredLength == Int64(sent.body.count))
      let found = try lines(sent)
      #expect(found.count == made.rowCount)
      #expect(
        found.allSatisfy {
          $0.contains(endpoint == .mistralChat ? "\"seed\"" : "\"random_seed\"") || $0.contains("first")
        })
    }
  }

  @Test func whatCannotBeWrittenIsNotSent() async {
    let refused = makeBody(#"{"messages":[{"role":"user","content":"hi"}],"model":"m-*","user":"u"}"#, model: "m-*")
    let outside = RequestBody(bytes: body.bytes, modelRange: 0..<9999)
    let elsewhere = RequestBody(bytes: body.bytes, modelRange: 1..<3)
    for (row, endpoint) in [
      (BatchRow(customID: "r", body: refused), Endpoint.chatCompletions),
      (BatchRow(customID: "r", body: outside), .mistralChat),
      (BatchRow(customID: "r", body: elsewhere), .mistralChat),
      (BatchRow(customID: "not plain", body: body), .mistralChat),
    ] {
      let http = ScriptedHTTP(Self.uploaded)
      let error = await errorOf { () throws(ProviderError) in
        try await makeMistral(http).upload(submission([row], endpoint), rows: RowChunks(chunks: [[row]]))
      }
      #expect(error?.reason == .unavailable(retryAfter: nil))
      #expect(error?.isAmbiguous == false)
      #expect(await http.sent.isEmpty)
    }
  }

  @Test func createIsTheDocumentedOne() async throws {
    let http = ScriptedHTTP(.answer(200, [], MistralSamples.job))
    let snapshot = try await makeMistral(http)
      .create(submission([], .chatCompletions), input: .file("UUID"), timeout: .seconds(15))
    let sent = try #require(await http.sent.first)
    #expect(sent.line == "POST https://api.example.test/v1/batch/jobs")
    #expect(sent.text == MistralSamples.create)
    #expect(sent.request.mustNotRepeat)
    #expect(sent.request.limits.total == .seconds(15))
    #expect(snapshot.id == "UUID")
    #expect(snapshot.state == .running)
    #expect(snapshot.inputFileID == "UUID")
    #expect(snapshot.counts == BatchSnapshot.Counts(total: 2, completed: 1, failed: 0))
    #expect(snapshot.problems == [BatchSnapshot.Problem(code: "", message: "...", line: nil)])
    #expect(snapshot.createdAt == Timestamp(milliseconds: 1000))
    #expect(snapshot.outputFileID == nil && snapshot.errorFileID == nil && snapshot.label == nil)
  }

  @Test(arguments: [(0, 1), (24, 24), (168, 167)])
  func timeStaysBelowSevenDays(_ hours: Int, _ wanted: Int) async throws {
    let http = ScriptedHTTP(.answer(200, [], MistralSamples.job))
    _ = try await makeMistral(http) { $0.timeoutHours = hours }
      .create(submission([]), input: .file("f"), timeout: .seconds(1))
    #expect(await http.sent.first?.text.contains(#""timeout_hours":\#(wanted)}"#) == true)
  }

  @Test func createsThatMayHaveHappened() async {
    let steps: [(ScriptedHTTP.Step, Bool)] = [
      (.fail(failure(.timedOut(.total), sent: true)), true), (.fail(failure(.connectionLost, sent: true)), true),
      (.fail(failure(.unreachable, sent: false)), false), (.answer(500), true), (.answer(200, [], "{}"), true),
      (.answer(422, [], MistralSamples.validation), false), (.answer(429), false), (.answer(400), false),
    ]
    for (step, isAmbiguous) in steps {
      let error = await errorOf { () throws(ProviderError) in
        try await makeMistral(ScriptedHTTP(step)).create(submission([]), input: .file("f"), timeout: .seconds(1))
      }
      #expect(error?.isAmbiguous == isAmbiguous, "\(step)")
    }
  }

  @Test(arguments: [
    ("QUEUED", BatchState.queued), ("RUNNING", .running), ("SUCCESS", .completed), ("FAILED", .failed),
    ("TIMEOUT_EXCEEDED", .expired), ("CANCELLATION_REQUESTED", .cancelling), ("CANCELLED", .cancelled),
    ("success", .completed), ("PAUSED", .unrecognised("PAUSED")), ("", .unrecognised("")),
  ])
  func states(_ status: String, _ state: BatchState) async throws {
    let http = ScriptedHTTP(.answer(200, [], MistralSamples.ended("a/b", status)))
    let snapshot = try await makeMistral(http).retrieve("a/b")
    #expect(await http.sent.first?.line == "GET https://api.example.test/v1/batch/jobs/a%2Fb")
    #expect(snapshot.state == state)
    #expect(snapshot.label == "mr-7")
    #expect(snapshot.outputFileID == "out" && snapshot.errorFileID == "err")
    // Completed are those that have ended in either way.
    #expect(snapshot.counts == BatchSnapshot.Counts(total: 3, completed: 2, failed: 1))
  }

  @Test func everythingButTheIDMayBeMissing() async throws {
    let snapshot = try await makeMistral(ScriptedHTTP(.answer(200, [], #"{"id":"b"}"#))).retrieve("b")
    #expect(snapshot == BatchSnapshot(id: "b", state: .unrecognised("")))
  }

  @Test func resultLines() async throws {
    let lines = [
      MistralSamples.line,
      // A failure by its status, in either file.
      #"{"custom_id":"r-2","response":{"status_code":422,"body":\#(MistralSamples.validation)},"error":null}"#,
      #"{"custom_id":"r-3","response":{"status_code":500,"body":{"object":"error","message":"m","type":"internal_server_error","code":"1000"}},"error":null}"#,
      // A failure by its error, whatever stands beside it.
      #"{"custom_id":"r-4","response":null,"error":{"message":"later","type":"internal_server_error"}}"#,
      #"{"custom_id":"r-5","response":{"status_code":200,"body":{}},"error":{"type":"invalid_model","message":"no"}}"#,
      #"{"custom_id":"r-6","error":"a text"}"#, #"{"custom_id":"r-7","brand_new":[1]}"#,
      #"{"custom_id":"r-8","response":{"status_code":429,"body":{"message":"Rate limit exceeded","type":"rate_limited","code":"1300"}}}"#,
      // Nobody is named.
      #"{"response":{"status_code":500},"error":null}"#, #"{"custom_id":null,"error":{"message":"m"}}"#, "no json",
    ]
    let text = lines.joined(separator: "\r\n")
    let http = ScriptedHTTP(.stream(200, [Array(text.utf8)]))
    // The last line is whole only where it is JSON.
    let source = try await makeMistral(http).results(fileID: "f")
    var results: [String: BatchResult] = [:]
    do {
      while let part = try await source.next() { for result in part { results[result.customID] = result } }
    } catch {
      #expect(error.reason == .unavailable(retryAfter: nil))
    }
    #expect(await http.sent.first?.line == "GET https://api.example.test/v1/files/f/content")
    #expect(
      results.mapValues(\.disposition) == [
        "r-1": .succeeded, "r-2": .rejected, "r-3": .retryable(retryAfter: nil), "r-4": .retryable(retryAfter: nil),
        "r-5": .rejected, "r-6": .retryable(retryAfter: nil), "r-7": .retryable(retryAfter: nil),
        "r-8": .rateLimited(retryAfter: nil),
      ])
    #expect(source.unreadableLines == 2)
    #expect(results["r-1"]?.usage == Usage(inputTokens: 7, outputTokens: 5))
    #expect(results["r-1"]?.response?.body.count == 84)
    #expect(
      results["r-2"]?.message == "mistral answered 422 (literal_error): body.messages.0.role: Input should be 'user'")
  }

  @Test func resultsComeBackInTheShapeThatWasAskedFor() async throws {
    let line =
      #"{"custom_id":"r-1","response":{"status_code":200,"body":\#(MistralSamples.answer)},"error":null}"# + "\n"
    for (endpoint, isTranslated) in [(Endpoint.mistralChat, false), (.chatCompletions, true), (.embeddings, false)] {
      let http = ScriptedHTTP(.stream(200, [Array(line.utf8)]))
      let result = try await makeMistral(http).results(fileID: "f", of: endpoint).next()?.first
      let body = try #require(result?.response?.body)
      #expect((body == Array(MistralSamples.answer.utf8)) != isTranslated)
      #expect(result?.usage == Usage(inputTokens: 10, cachedInputTokens: 4, outputTokens: 5))
    }
  }

  @Test func cancelOfWhatHasEnded() async throws {
    let http = ScriptedHTTP(.answer(409, [], #"{"detail":"x"}"#), .answer(200, [], MistralSamples.ended("b")))
    #expect(try await makeMistral(http).cancel("b").state == .completed)
    #expect(await http.sent.map(\.line).first == "POST https://api.example.test/v1/batch/jobs/b/cancel")
    let running = ScriptedHTTP(.answer(200, [], MistralSamples.ended("b", "CANCELLATION_REQUESTED")))
    #expect(try await makeMistral(running).cancel("b").state == .cancelling)
  }

  @Test func filesAreDeleted() async throws {
    let http = ScriptedHTTP(.answer(200, [], #"{"id":"f","object":"file","deleted":true}"#), .answer(404))
    try await makeMistral(http).deleteFile("f")
    try await makeMistral(http).deleteFile("f")
    #expect(await http.sent.first?.line == "DELETE https://api.example.test/v1/files/f")
  }
}
