import BatchCore
import Providers
import Testing

private let body = makeBody(
  #"{"model":"g-*","contents":[{"role":"user","parts":[{"text":"hi"}]}],"generationConfig":{"maxOutputTokens":50}}"#,
  model: "g-*")

@Suite(.timeLimit(.minutes(4)))
struct GeminiFileTests {
  private static let began = ScriptedHTTP.Step.answer(
    200, [("X-Goog-Upload-URL", "https://elsewhere.test/upload/v1beta/files?upload_id=u1&upload_protocol=resumable")])
  private static let ended = ScriptedHTTP.Step.answer(
    200, [("X-Goog-Upload-Status", "final")], #"{"file":{"name":"files/abc","state":"ACTIVE"}}"#)

  private func submission(_ rows: Int, _ endpoint: Endpoint = .generateContent) -> BatchSubmission {
    BatchSubmission(label: "01HX", endpoint: endpoint, model: "gemini-3.8-flash", rowCount: rows, inputBytes: 0)
  }

  @Test func uploadIsTheDocumentedOne() async throws {
    let rows = RowChunks(chunks: [[BatchRow(customID: "r-1", body: body)]])
    let http = ScriptedHTTP(Self.began, Self.ended)
    #expect(try await makeGemini(http).upload(submission(1), rows: rows) == "files/abc")
    let sent = await http.sent
    let line = #"{"key":"r-1","request":\#(GeminiSamples.request)}"# + "\n"
    #expect(sent[0].line == "POST https://api.example.test/upload/v1beta/files")
    #expect(sent[0].text == #"{"file":{"displayName":"01HX"}}"#)
    #expect(sent[0].header("X-Goog-Upload-Protocol") == "resumable")
    #expect(sent[0].header("X-Goog-Upload-Command") == "start")
    #expect(sent[0].header("X-Goog-Upload-Header-Content-Length") == String(line.utf8.count))
    #expect(sent[0].header("X-Goog-Upload-Header-Content-Type") == "application/jsonl")
    // The key goes where it was configured to go, and not where an answer says.
    #expect(
      sent[1].line == "POST https://api.example.test/upload/v1beta/files?upload_id=u1&upload_protocol=resumable")
    #expect(sent[1].header("X-Goog-Upload-Command") == "upload, finalize")
    #expect(sent[1].header("X-Goog-Upload-Offset") == "0")
    #expect(sent[1].text == line)
    #expect(sent[1].declaredLength == Int64(line.utf8.count))
  }

  @Test(arguments: 0..<6)
  func lengthIsExact(seed: UInt64) async throws {
    var random = SeededGenerator(seed: seed)
    var chunks: [[BatchRow]] = [[BatchRow(customID: "a", body: body)]]
    for number in 0..<Int.random(in: 1...6, using: &random) {
      chunks.append(
        (0..<Int.random(in: 0...200, using: &random)).map { row in
          let text = String(repeating: "ä\\n", count: Int.random(in: 0...900, using: &random))
          return BatchRow(
            customID: "mr-1_\(number)_\(row)",
            body: makeBody(#"{"messages":[{"role":"user","content":"\#(text)"}],"model":"g"}"#, model: "g"))
        })
    }
    chunks.removeFirst()
    let count = chunks.reduce(0) { $0 + $1.count }
    let http = ScriptedHTTP(Self.began, Self.ended)
    _ = try await makeGemini(http).upload(submission(count, .chatCompletions), rows: RowChunks(chunks: chunks))
    let sent = await http.sent
    #expect(sent[1].declaredLength == Int64(sent[1].body.count))
    #expect(sent[1].body.split(separator: 0x0A).count == count)
  }

  /// The size that a window is kept under is no less than what is sent.
  @Test func sizesAreUpperBounds() async throws {
    let spaced = makeBody(#"{ "contents" : [ ] , "model" : "g-*" }"#, model: "g-*")
    for bodies in [[body], [body, spaced], [spaced, spaced, body]] {
      let rows = bodies.enumerated().map { BatchRow(customID: "r-\($0)", body: $1) }
      let http = ScriptedHTTP(Self.began, Self.ended)
      let provider = makeGemini(http)
      _ = try await provider.upload(submission(rows.count), rows: RowChunks(chunks: [rows]))
      let size = provider.inputSize(
        of: rows.count, customIDBytes: Int64(3 * rows.count),
        bodyBytes: Int64(bodies.reduce(0) { $0 + $1.bytes.count }),
        modelRangeBytes: Int64(5 * rows.count), model: "any", endpoint: .generateContent)
      let sent = await http.sent[1].body.count
      #expect(Int64(sent) <= size)
      if bodies.count == 1 { #expect(Int64(sent) == size) }
    }
  }

  @Test func whatIsNotDeclaredIsNotSent() async {
    let rows = [BatchRow(customID: "r-1", body: body), BatchRow(customID: "r-2", body: body)]
    var broken = RowChunks(chunks: [rows])
    broken.isBroken = true
    let chunks = [
      (RowChunks(chunks: [rows]), 1), (RowChunks(chunks: [Array(rows.prefix(1))]), 2), (broken, 2),
      (RowChunks(chunks: [[BatchRow(customID: "not allowed", body: body)]]), 1),
    ]
    for (rows, count) in chunks {
      let http = ScriptedHTTP(Self.began, Self.ended)
      let error = await errorOf { () throws(ProviderError) in
        try await makeGemini(http).upload(submission(count), rows: rows)
      }
      #expect(error?.isAmbiguous == false)
      #expect(error?.reason == .unavailable(retryAfter: nil))
      #expect(await http.sent.allSatisfy { $0.header("X-Goog-Upload-Command") == "start" })
    }
  }

  @Test func filesAreWaitedFor() async throws {
    let rows = RowChunks(chunks: [[BatchRow(customID: "r-1", body: body)]])
    func state(_ name: String) -> String { #"{"name":"files/abc","state":"\#(name)"}"# }
    let http = ScriptedHTTP(
      Self.began, .answer(200, [], #"{"file":\#(state("PROCESSING"))}"#), .answer(200, [], state("PROCESSING")),
      .answer(200, [], state("ACTIVE")))
    #expect(try await makeGemini(http).upload(submission(1), rows: rows) == "files/abc")
    #expect(await http.sent.last?.line == "GET https://api.example.test/v1beta/files/abc")
    let failed = ScriptedHTTP(
      Self.began, .answer(200, [], #"{"file":\#(state("PROCESSING"))}"#), .answer(200, [], state("FAILED")))
    let error = await errorOf { () throws(ProviderError) in
      try await makeGemini(failed).upload(submission(1), rows: rows)
    }
    #expect(error?.reason == .rejected(statusCode: 400))
    let endless = ScriptedHTTP(Self.began, .answer(200, [], #"{"file":\#(state("PROCESSING"))}"#))
    let late = await errorOf { () throws(ProviderError) in
      try await makeGemini(endless) { $0.processingLimit = .zero }.upload(submission(1), rows: rows)
    }
    #expect(late?.reason == .unavailable(retryAfter: nil))
  }

  @Test func uploadsThatAreNotFinal() async {
    let rows = RowChunks(chunks: [[BatchRow(customID: "r-1", body: body)]])
    for steps in [
      [Self.began, .answer(200, [("x-goog-upload-status", "active")], #"{"file":{"name":"files/a"}}"#)],
      [Self.began, .answer(200, [], "{}")], [.answer(200, [], "{}")],
      [.answer(200, [("x-goog-upload-url", "ftp:nowhere")], "{}")],
    ] as [[ScriptedHTTP.Step]] {
      let http = ScriptedHTTP()
      for step in steps { await http.add(step) }
      let error = await errorOf { () throws(ProviderError) in
        try await makeGemini(http).upload(submission(1), rows: rows)
      }
      #expect(error?.reason == .invalidResponse)
    }
  }

  @Test func deletes() async throws {
    let gone = GeminiSamples.error(
      403, "PERMISSION_DENIED", message: "You do not have permission to access the File abc or it may not exist.")
    for step in [.answer(200, [], "{}"), .answer(404, [], ""), .answer(403, [], gone)] as [ScriptedHTTP.Step] {
      let http = ScriptedHTTP(step)
      try await makeGemini(http).deleteFile("files/abc")
      #expect(await http.sent.first?.line == "DELETE https://api.example.test/v1beta/files/abc")
    }
    let refused = await errorOf { () throws(ProviderError) in
      try await makeGemini(ScriptedHTTP(.answer(403, [], GeminiSamples.error(403, "PERMISSION_DENIED"))))
        .deleteFile("files/abc")
    }
    #expect(refused?.reason == .accountClosed(.unauthorised))
  }
}
