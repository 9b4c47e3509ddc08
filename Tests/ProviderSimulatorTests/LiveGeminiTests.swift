import HTTPTypes
import HummingbirdTesting
import NIOCore
import Testing
import Wire

@testable import ProviderSimulator

/// Gemini's dialect.
@Suite(.timeLimit(.minutes(2)))
struct LiveGeminiTests {
  private static func body(_ text: String, _ more: String = "") -> String {
    #"{"contents":[{"role":"user","parts":[{"text":"\#(text)"}]}]\#(more)}"#
  }

  private static let generate = "/v1beta/models/gemini-3.8-flash:generateContent"

  private static func rows(_ count: Int) -> String {
    (0..<count).map { #"{"key":"r-\#($0)","request":\#(body("question \($0)"))}"# + "\n" }.joined()
  }

  @Test func requestsAreAnswered() async throws {
    let scratch = Scratch()
    defer { scratch.remove() }
    try await LiveSimulator.run(in: scratch.path) { live async throws -> Void in
      let answer = try await live.gemini(.post, Self.generate, Self.body("hello"))
      #expect(answer.status == 200)
      let json = try answer.json
      let candidate = json["candidates"]?.elements.first { _ in true }
      let text = candidate?["content"]?["parts"]?.elements.first { _ in true }?["text"]?.string
      #expect(text?.hasPrefix("echo ") == true && text?.hasSuffix(" hello") == true)
      #expect(candidate?["finishReason"]?.string == "STOP")
      let usage = json["usageMetadata"]
      let parts = ["promptTokenCount", "candidatesTokenCount", "thoughtsTokenCount"]
      #expect(usage?["totalTokenCount"]?.int64 == parts.reduce(0) { $0 + (usage?[$1]?.int64 ?? 0) })
      #expect(try await live.stat("paid") == 1)
      let short = try await live.gemini(
        .post, Self.generate.replacing("v1beta", with: "v1"),
        Self.body("cut me", #","generation_config":{"max_output_tokens":3}"#))
      #expect(try short.json["candidates"]?.elements.first { _ in true }?["finishReason"]?.string == "MAX_TOKENS")
    }
  }

  @Test func refusalsSpeakTheDialect() async throws {
    let scratch = Scratch()
    defer { scratch.remove() }
    try await LiveSimulator.run(in: scratch.path) { live async throws -> Void in
      let cases: [(String, String, Int, String)] = [
        (Self.body("[[sim:429]]"), "sk-a", 429, "RESOURCE_EXHAUSTED"),
        (Self.body("[[sim:503]]"), "sk-a", 503, "UNAVAILABLE"), (Self.body("[[sim:500]]"), "sk-a", 500, "INTERNAL"),
        (Self.body("x"), "sk-revoked", 400, "INVALID_ARGUMENT"),
        (Self.body("x"), "sk-billing", 402, "INVALID_ARGUMENT"),
        (Self.body("x", #","max_tokens":1"#), "sk-a", 400, "INVALID_ARGUMENT"),
        (Self.body("x", #","generationConfig":{"max_tokens":1}"#), "sk-a", 400, "INVALID_ARGUMENT"),
        (Self.body("x").replacing("user", with: "system"), "sk-a", 400, "INVALID_ARGUMENT"),
        (#"{"contents":[]}"#, "sk-a", 400, "INVALID_ARGUMENT"), ("{}", "sk-a", 400, "INVALID_ARGUMENT"),
      ]
      for (body, key, status, name) in cases {
        let answer = try await live.gemini(.post, Self.generate, body, key: key)
        #expect(answer.status == status, "\(body)")
        let error = try answer.json["error"]
        #expect(error?["status"]?.string == name)
        #expect(error?["code"]?.int64 == Int64(status))
        let reasons = error?["details"]?.elements.compactMap { $0["reason"]?.string } ?? []
        #expect(reasons == (key == "sk-revoked" ? ["API_KEY_INVALID"] : []))
      }
      #expect(try await live.gemini(.post, "/v1beta/models/missing-x:generateContent", Self.body("x")).status == 404)
      #expect(try await live.gemini(.get, "/v1beta/nothing").status == 404)
    }
  }

  @Test func waitsStandInTheBody() async throws {
    let scratch = Scratch()
    defer { scratch.remove() }
    try await LiveSimulator.run(in: scratch.path, change: { $0.rpm = 1 }) { live async throws -> Void in
      _ = try await live.gemini(.post, Self.generate, Self.body("one"))
      let refused = try await live.gemini(.post, Self.generate, Self.body("two"))
      #expect(refused.status == 429)
      #expect(refused.headers[.retryAfter] == nil)
      let delays = try refused.json["error"]?["details"]?.elements.compactMap { $0["retryDelay"]?.string } ?? []
      #expect(delays.count == 1 && delays[0].hasSuffix("s"))
    }
  }

  @Test func batchesEndWithOneLineARow() async throws {
    let scratch = Scratch()
    defer { scratch.remove() }
    try await LiveSimulator.run(
      in: scratch.path, change: { ($0.batchMinMs, $0.fileProcessingMs) = (100, 20) }
    ) { live async throws -> Void in
      let file = try await live.geminiUpload(Self.rows(300))
      let create = #"{"batch":{"displayName":"ours","inputConfig":{"fileName":"\#(file)"}}}"#
      let created = try await live.gemini(.post, "/v1beta/models/gemini-3.8-flash:batchGenerateContent", create)
      #expect(created.status == 200)
      let name = try #require(try created.json["name"]?.string)
      #expect(try created.json["metadata"]?["displayName"]?.string == "ours")
      var looksWithoutFile = 0
      var output: String?
      while output == nil {
        let batch = try await live.gemini(.get, "/v1beta/\(name)").json
        output = batch["metadata"]?["output"]?["responsesFile"]?.string
        if batch["metadata"]?["state"]?.string == "BATCH_STATE_SUCCEEDED", output == nil { looksWithoutFile += 1 }
        try await Task.sleep(for: .milliseconds(5))
      }
      #expect(looksWithoutFile == 2)
      let results = try await live.gemini(.get, "/v1beta/\(try #require(output)):download?alt=media")
      let keys = try results.body.split(separator: 0x0A).map { try JSONSlice.parse(Array($0))["key"]?.string }
      #expect(Set(keys).count == 300)
      #expect(try await live.stat("paid") == 300)
      let list = try await live.gemini(.get, "/v1beta/batches?pageSize=1").json
      #expect(list["operations"]?.elements.map { $0["name"]?.string } == [name])
      #expect(list["nextPageToken"] == nil)
      // The other dialects do not see it.
      #expect(try await live.send(.get, "/v1/batches").json["data"]?.elements.map { $0 }.isEmpty == true)
      #expect(try await live.gemini(.get, "/v1beta/\(file):download?alt=media").status == 400)
      #expect(try await live.gemini(.delete, "/v1beta/\(file)").status == 200)
      #expect(try await live.gemini(.get, "/v1beta/\(file)").status == 403)
      let late = try await live.gemini(.post, "/v1beta/models/gemini-3.8-flash:batchGenerateContent", create)
      #expect(late.status == 403)
      #expect(try late.json["error"]?["message"]?.string?.contains(file.dropFirst("files/".count)) == true)
      #expect(try await live.gemini(.delete, "/v1beta/\(name)").status == 200)
      #expect(try await live.gemini(.get, "/v1beta/\(name)").status == 404)
    }
  }

  @Test func uploadsAreChecked() async throws {
    let scratch = Scratch()
    defer { scratch.remove() }
    try await LiveSimulator.run(in: scratch.path) { live async throws -> Void in
      #expect(try await live.gemini(.post, "/upload/v1beta/files", "{}").status == 400)
      #expect(try await live.geminiChunk("nothing", "x", offset: 0, isLast: true).status == 404)
      let short = try await live.beginGeminiUpload(bytes: 4)
      #expect(try await live.geminiChunk(short, "abc", offset: 0, isLast: true).status == 400)
      let pieces = try await live.beginGeminiUpload(bytes: 4)
      #expect(try await live.geminiChunk(pieces, "ab", offset: 0, isLast: false).status == 200)
      let last = try await live.geminiChunk(pieces, "cd", offset: 2, isLast: true)
      #expect(last.headers[.uploadStatus] == "final")
      #expect(try last.json["file"]?["sizeBytes"]?.string == "4")
      let skipped = try await live.beginGeminiUpload(bytes: 4)
      #expect(try await live.geminiChunk(skipped, "cd", offset: 2, isLast: true).status == 400)
    }
  }
}

extension LiveSimulator {
  fileprivate func gemini(
    _ method: HTTPRequest.Method, _ uri: String, _ body: String? = nil, key: String? = "sk-test",
    _ more: HTTPFields = [:]
  ) async throws -> Answer {
    var headers = more
    if let key { headers[.googleKey] = key }
    if body != nil { headers[.contentType] = "application/json" }
    return try await client.execute(
      uri: uri, method: method, headers: headers, body: body.map { ByteBuffer(string: $0) }
    ) { response in
      Answer(status: response.status.code, headers: response.headers, body: Array(response.body.readableBytesView))
    }
  }

  /// Returns the upload's id.
  fileprivate func beginGeminiUpload(bytes: Int) async throws -> String {
    let headers: HTTPFields = [.uploadProtocol: "resumable", .uploadCommand: "start", .uploadLength: String(bytes)]
    let answer = try await gemini(.post, "/upload/v1beta/files", #"{"file":{"displayName":"ours"}}"#, headers)
    let url = try #require(answer.headers[.uploadURL])
    return try #require(Query(url)["upload_id"])
  }

  /// Without a key: the address is enough.
  fileprivate func geminiChunk(_ id: String, _ text: String, offset: Int, isLast: Bool) async throws -> Answer {
    try await gemini(
      .post, "/upload/v1beta/files?upload_id=\(id)", text, key: id == "nothing" ? "sk-test" : nil,
      [.uploadOffset: String(offset), .uploadCommand: isLast ? "upload, finalize" : "upload"])
  }

  /// Returns the file's name when it can be used.
  fileprivate func geminiUpload(_ content: String) async throws -> String {
    let id = try await beginGeminiUpload(bytes: content.utf8.count)
    let answer = try await geminiChunk(id, content, offset: 0, isLast: true)
    let name = try #require(try answer.json["file"]?["name"]?.string)
    while try await gemini(.get, "/v1beta/\(name)").json["state"]?.string != "ACTIVE" {
      try await Task.sleep(for: .milliseconds(5))
    }
    return name
  }
}
