import BatchCore
import Providers
import Testing
import Wire

private let body = makeBody(#"{"messages":[{"role":"user","content":"hi"}],"model":"gpt-*","n":1}"#, model: "gpt-*")

private func makeSubmission(_ rows: [BatchRow], model: String = "gpt-6-luna") -> BatchSubmission {
  let size = makeProvider(ScriptedHTTP()).inputSize(
    of: rows.count, customIDBytes: rows.reduce(0) { $0 + Int64($1.customID.utf8.count) },
    bodyBytes: rows.reduce(0) { $0 + Int64($1.body.bytes.count) },
    modelRangeBytes: rows.reduce(0) { $0 + Int64($1.body.modelRange.count) }, model: model, endpoint: .chatCompletions)
  return BatchSubmission(
    label: "run-01HX", endpoint: .chatCompletions, model: model, rowCount: rows.count, inputBytes: size)
}

private func upload(
  _ submission: BatchSubmission, _ rows: Rows, _ steps: ScriptedHTTP.Step = .answer(200, [], #"{"id":"file-abc"}"#)
) async -> (error: ProviderError?, sent: [ScriptedHTTP.Sent]) {
  let http = ScriptedHTTP(steps)
  let error = await errorOf { () throws(ProviderError) in
    try await makeProvider(http).upload(submission, rows: rows)
  }
  return (error, await http.sent)
}

@Suite(.timeLimit(.minutes(4)))
struct UploadTests {
  @Test func bytesAreExact() async throws {
    let rows = [BatchRow(customID: "r-1", body: body), BatchRow(customID: "r_2", body: body)]
    let http = ScriptedHTTP(
      .answer(200, [], #"{"id":"file-abc","object":"file","bytes":1,"status":"processed","status_details":null}"#))
    let id = try await makeProvider(http).upload(makeSubmission(rows), rows: Rows([rows]))
    #expect(id == "file-abc")
    let sent = try #require(await http.sent.first)
    #expect(sent.line == "POST https://api.example.test/v1/files")
    let type = try #require(sent.header("content-type"))
    #expect(type.hasPrefix("multipart/form-data; boundary="))
    let boundary = type.dropFirst("multipart/form-data; boundary=".count)
    #expect(boundary.utf8.count <= 70)
    let line = { (id: String) in
      #"{"custom_id":"\#(id)","method":"POST","url":"/v1/chat/completions","body":"#
        + #"{"messages":[{"role":"user","content":"hi"}],"model":"gpt-6-luna","n":1}}"# + "\n"
    }
    let expected =
      "--\(boundary)\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nbatch\r\n"
      + "--\(boundary)\r\nContent-Disposition: form-data; name=\"file\"; filename=\"run-01HX.jsonl\"\r\n"
      + "Content-Type: application/jsonl\r\n\r\n" + line("r-1") + line("r_2") + "\r\n--\(boundary)--\r\n"
    #expect(sent.text == expected)
    #expect(sent.declaredLength == Int64(expected.utf8.count))
    #expect(sent.request.mustNotRepeat)
    #expect(sent.request.limits.total == nil)
  }

  /// The declared length is that of the bytes, and every line is JSON, whatever the rows and however they are chunked.
  @Test(arguments: 0..<12)
  func lengthIsExact(seed: UInt64) async throws {
    var random = SeededGenerator(seed: seed)
    var chunks: [[BatchRow]] = []
    for _ in 0..<Int.random(in: 1...8, using: &random) {
      var chunk: [BatchRow] = []
      for _ in 0..<Int.random(in: 0...120, using: &random) {
        let model = String(repeating: "m", count: Int.random(in: 1...20, using: &random))
        let text = String(repeating: "ä\\n", count: Int.random(in: 0...60, using: &random))
        let id = "a-\(random.next())"
        chunk.append(BatchRow(customID: id, body: makeBody(#"{"input":"\#(text)","model":"\#(model)"}"#, model: model)))
      }
      chunks.append(chunk)
    }
    let rows = Array(chunks.joined())
    let submission = makeSubmission(rows, model: "weird \"model\"\u{2028}ü")
    let (error, sent) = await upload(submission, Rows(chunks))
    #expect(error == nil)
    let first = try #require(sent.first)
    #expect(first.declaredLength == Int64(first.body.count))
    let lines = first.body.split(separator: 0x0A).filter { $0.first == UInt8(ascii: "{") }
    #expect(lines.count == rows.count)
    for (line, row) in zip(lines, rows) {
      let slice = try #require(try slice(String(decoding: line, as: UTF8.self)))
      #expect(slice["custom_id"]?.string == row.customID)
      #expect(slice["body"]?["model"]?.string == "weird \"model\"\u{2028}ü")
    }
  }

  @Test func rowsThatDoNotMatchTheSubmissionAreNeverSentWhole() async {
    let rows = [BatchRow(customID: "r-1", body: body), BatchRow(customID: "r-2", body: body)]
    let fewer = await upload(makeSubmission(rows), Rows([[rows[0]]]))
    #expect(fewer.error?.reason == .unavailable(retryAfter: nil))
    #expect(fewer.error?.isAmbiguous == false)
    #expect(fewer.error?.message.contains("1 rows of 2") == true)
    let more = await upload(makeSubmission([rows[0]]), Rows([rows]))
    #expect(more.error?.message.contains("more than 1 rows") == true)
    let broken = await upload(makeSubmission(rows), Rows([rows], isBroken: true))
    #expect(broken.error?.message.contains("cannot be read") == true)
    var submission = makeSubmission(rows)
    submission.inputBytes += 1
    #expect(await upload(submission, Rows([rows])).error != nil)
    submission.inputBytes = -5
    #expect(await upload(submission, Rows([rows])).error != nil)
  }

  @Test(arguments: ["", "a b", "a\"b", "ü", "a\nb"])
  func customIDsThatNeedEscapesAreRefused(id: String) async {
    let rows = [BatchRow(customID: id, body: body)]
    #expect(await upload(makeSubmission(rows), Rows([rows])).error?.message.contains("row 1") == true)
  }

  @Test func aPlaceOutsideTheBodyIsRefused() async {
    let rows = [BatchRow(customID: "a", body: RequestBody(bytes: [], modelRange: 0..<4))]
    #expect(await upload(makeSubmission(rows), Rows([rows])).error?.message.contains("row 1") == true)
  }

  @Test func sizesSaturate() {
    let provider = makeProvider(ScriptedHTTP())
    let size = provider.inputSize(
      of: .max, customIDBytes: .max, bodyBytes: .max, modelRangeBytes: 0, model: "m", endpoint: .responses)
    #expect(size == .max)
  }

  @Test(arguments: [
    (
      ScriptedHTTP.Step.answer(400, [], #"{"error":{"message":"File is too large."}}"#),
      ProviderError.Reason.rejected(statusCode: 400), false
    ),
    (.answer(429, [("retry-after", "2")]), .rateLimited(retryAfter: .seconds(2)), false),
    (.answer(500), .unavailable(retryAfter: nil), true),
    (.answer(200, [], "{}"), .invalidResponse, true),
    (.answer(200, [], "<html>"), .invalidResponse, true),
    (.fail(failure(.timedOut(.idle), sent: true)), .unavailable(retryAfter: nil), true),
    (.fail(failure(.unreachable, sent: false)), .unavailable(retryAfter: nil), false),
    (.fail(failure(.cancelled, sent: true)), .cancelled, true),
  ])
  func refusals(step: ScriptedHTTP.Step, reason: ProviderError.Reason, isAmbiguous: Bool) async {
    let rows = [BatchRow(customID: "a", body: body)]
    let error = await upload(makeSubmission(rows), Rows([rows]), step).error
    #expect(error?.reason == reason)
    #expect(error?.isAmbiguous == isAmbiguous)
    #expect(error?.message.hasPrefix("openai: upload of run-01HX.jsonl: ") == true)
  }
}
