import HTTPTypes
import HummingbirdTesting
import NIOCore
import Testing
import Wire

@testable import ProviderSimulator

/// Anthropic's dialect.
@Suite(.timeLimit(.minutes(2)))
struct LiveMessagesTests {
  private static func params(_ text: String) -> String {
    #"{"model":"claude-haiku-5-5","max_tokens":99,"messages":[{"role":"user","content":"\#(text)"}]}"#
  }

  private static func create(_ count: Int) -> String {
    let rows = (0..<count).map { #"{"custom_id":"r-\#($0)","params":\#(params("question \($0)"))}"# }
    return #"{"requests":[\#(rows.joined(separator: ","))]}"#
  }

  @Test func messagesAreAnswered() async throws {
    let scratch = Scratch()
    defer { scratch.remove() }
    try await LiveSimulator.run(in: scratch.path) { live async throws -> Void in
      let answer = try await live.anthropic(.post, "/v1/messages", Self.params("hello"))
      #expect(answer.status == 200)
      #expect(answer.headers[.anthropicRequestID]?.hasPrefix("req_") == true)
      let body = try answer.json
      #expect(body["type"]?.string == "message")
      let text = body["content"]?.elements.first { _ in true }?["text"]?.string
      #expect(text?.hasPrefix("echo ") == true && text?.hasSuffix(" hello") == true)
      #expect(body["stop_reason"]?.string == "end_turn")
      #expect(body["usage"]?["cache_read_input_tokens"]?.isNull == true)
      let counted = try await live.anthropic(.post, "/v1/messages/count_tokens", Self.params("hello"))
      #expect(try counted.json["input_tokens"]?.int64 == body["usage"]?["input_tokens"]?.int64)
      #expect(try await live.stat("paid") == 1)
    }
  }

  @Test func refusalsSpeakTheDialect() async throws {
    let scratch = Scratch()
    defer { scratch.remove() }
    try await LiveSimulator.run(in: scratch.path) { live async throws -> Void in
      let cases: [(String, String, Int, String)] = [
        (Self.params("[[sim:429]]"), "sk-a", 429, "rate_limit_error"),
        (Self.params("[[sim:503]]"), "sk-a", 529, "overloaded_error"),
        (Self.params("[[sim:500]]"), "sk-a", 500, "api_error"),
        (Self.params("x"), "sk-revoked", 401, "authentication_error"),
        (Self.params("x").replacing("claude", with: "missing-claude"), "sk-a", 404, "not_found_error"),
        (Self.params("x").replacing(#""max_tokens":99,"#, with: ""), "sk-a", 400, "invalid_request_error"),
        (Self.params("x").replacing("user", with: "system"), "sk-a", 400, "invalid_request_error"),
        (Self.params("x").replacing("max_tokens", with: "max_completion_tokens"), "sk-a", 400, "invalid_request_error"),
        (Self.params("x"), "sk-billing", 400, "invalid_request_error"),
      ]
      for (body, key, status, type) in cases {
        let answer = try await live.anthropic(.post, "/v1/messages", body, key: key)
        #expect(answer.status == status, "\(body)")
        let json = try answer.json
        #expect(json["type"]?.string == "error")
        #expect(json["error"]?["type"]?.string == type)
        #expect(json["request_id"]?.string == answer.headers[.anthropicRequestID])
        #expect(answer.headers[.shouldRetry] == (status == 429 || status >= 500 ? "true" : "false"))
      }
      let unversioned = try await live.anthropic(.post, "/v1/messages", Self.params("x"), version: nil)
      #expect(unversioned.status == 400)
      let warm = Self.params("x").replacing(#""max_tokens""#, with: #""temperature":1,"max_tokens""#)
      #expect(try await live.anthropic(.post, "/v1/messages", warm).status == 200)
      #expect(try await live.anthropic(.post, "/v1/messages", warm, version: "2026-10-21").status == 400)
    }
  }

  @Test func batchesEndWithOneLineARow() async throws {
    let scratch = Scratch()
    defer { scratch.remove() }
    try await LiveSimulator.run(in: scratch.path, change: { $0.batchMinMs = 100 }) { live async throws -> Void in
      let created = try await live.anthropic(.post, "/v1/messages/batches", Self.create(300))
      #expect(created.status == 200)
      #expect(try created.json["request_counts"]?["processing"]?.int64 == 300)
      let id = try #require(try created.json["id"]?.string)
      #expect(id.hasPrefix("msgbatch_"))
      let ended = try await live.ended(id)
      #expect(ended["request_counts"]?["succeeded"]?.int64 == 300)
      let lines = try await live.messageResults(id)
      #expect(Set(lines.compactMap { $0["custom_id"]?.string }).count == 300)
      #expect(lines.allSatisfy { $0["result"]?["message"]?["type"]?.string == "message" })
      #expect(lines.first?["custom_id"]?.string != "r-0" || lines.last?["custom_id"]?.string != "r-299")
      #expect(try await live.stat("paid") == 300)
      let list = try await live.anthropic(.get, "/v1/messages/batches?limit=1").json
      #expect(list["data"]?.elements.map { $0["id"]?.string } == [id])
      #expect(try await live.anthropic(.get, "/v1/messages/batches?after_id=\(id)").json["has_more"]?.bool == false)
      // The other dialect does not see it.
      #expect(try await live.send(.get, "/v1/batches").json["data"]?.elements.map { $0 }.isEmpty == true)
      #expect(try await live.anthropic(.delete, "/v1/messages/batches/\(id)").status == 200)
      #expect(try await live.anthropic(.get, "/v1/messages/batches/\(id)").status == 404)
    }
  }

  @Test func creditThatIsUsedUpShowsOnEveryLine() async throws {
    let scratch = Scratch()
    defer { scratch.remove() }
    try await LiveSimulator.run(in: scratch.path, change: { $0.noQuotaKeys = ["*"] }) { live async throws -> Void in
      let created = try await live.anthropic(.post, "/v1/messages/batches", Self.create(5))
      let id = try #require(try created.json["id"]?.string)
      let ended = try await live.ended(id)
      #expect(ended["request_counts"]?["errored"]?.int64 == 5)
      for line in try await live.messageResults(id) {
        let error = line["result"]?["error"]?["error"]
        #expect(error?["type"]?.string == "invalid_request_error")
        #expect(error?["message"]?.string?.hasPrefix("Your credit balance is too low") == true)
      }
      #expect(try await live.stat("paid") == 0)
    }
  }

  @Test func createsAreChecked() async throws {
    let scratch = Scratch()
    defer { scratch.remove() }
    try await LiveSimulator.run(in: scratch.path) { live async throws -> Void in
      let good = Self.create(2)
      for bad in [
        good.replacing("r-1", with: "r-0"), good.replacing("r-1", with: "r 1"), #"{"requests":[]}"#, "{}", "[",
        good.replacing("r-1", with: String(repeating: "r", count: 65)),
        good.replacing(#""max_tokens":99"#, with: #""max_tokens":99,"stream":true"#),
      ] { #expect(try await live.anthropic(.post, "/v1/messages/batches", bad).status == 400, "\(bad)") }
      // A row that cannot run fails for itself.
      let mixed = good.replacing(#""messages":[{"role":"user","content":"question 1"}]"#, with: #""messages":[]"#)
      let id = try #require(try await live.anthropic(.post, "/v1/messages/batches", mixed).json["id"]?.string)
      let ended = try await live.ended(id)
      #expect(ended["request_counts"]?["errored"]?.int64 == 1)
      #expect(ended["request_counts"]?["succeeded"]?.int64 == 1)
    }
  }
}

extension LiveSimulator {
  fileprivate func anthropic(
    _ method: HTTPRequest.Method, _ uri: String, _ body: String? = nil, key: String = "sk-test",
    version: String? = "2023-06-01"
  ) async throws -> Answer {
    var headers: HTTPFields = [.anthropicKey: key]
    if let version { headers[.anthropicVersion] = version }
    if body != nil { headers[.contentType] = "application/json" }
    return try await client.execute(
      uri: uri, method: method, headers: headers, body: body.map { ByteBuffer(string: $0) }
    ) { response in
      Answer(status: response.status.code, headers: response.headers, body: Array(response.body.readableBytesView))
    }
  }

  /// Looks at the batch until it has ended. Before that it shows no progress.
  fileprivate func ended(_ id: String) async throws -> JSONSlice {
    while true {
      let batch = try await anthropic(.get, "/v1/messages/batches/\(id)").json
      if batch["processing_status"]?.string == "ended" { return batch }
      #expect(batch["request_counts"]?["succeeded"]?.int64 == 0)
      #expect(batch["results_url"]?.isNull == true)
      try await Task.sleep(for: .milliseconds(5))
    }
  }

  fileprivate func messageResults(_ id: String) async throws -> [JSONSlice] {
    let answer = try await anthropic(.get, "/v1/messages/batches/\(id)/results")
    #expect(answer.status == 200)
    return try answer.body.split(separator: 0x0A).map { try JSONSlice.parse(Array($0)) }
  }
}
