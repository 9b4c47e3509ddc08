import HTTPTypes
import HummingbirdTesting
import NIOCore
import Testing
import Wire

@testable import ProviderSimulator

@Suite(.timeLimit(.minutes(4)))
struct LiveAzureTests {
  private static let dated = "api-version=2024-10-21"

  private func upload(_ live: LiveSimulator, _ path: String, _ content: String, fields: String = "") async throws
    -> LiveSimulator.Answer
  {
    let form = """
      --B\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nbatch\r\n\(fields)--B\r\n\
      Content-Disposition: form-data; name="file"; filename="in.jsonl"\r\n\r\n\(content)\r\n--B--\r\n
      """
    return try await live.send(.post, path, form, type: "multipart/form-data; boundary=B")
  }

  private func field(_ name: String, _ value: String) -> String {
    "--B\r\nContent-Disposition: form-data; name=\"\(name)\"\r\n\r\n\(value)\r\n"
  }

  private func row(_ id: String, model: String = "gpt-4o-mini-batch", url: String = "/v1/chat/completions") -> String {
    #"{"custom_id":"\#(id)","method":"POST","url":"\#(url)","body":{"model":"\#(model)","#
      + #""messages":[{"role":"user","content":"question \#(id)"}]}}"# + "\n"
  }

  /// Uploads, waits until the file is processed, and creates; the answer of the create.
  private func create(
    _ live: LiveSimulator, _ rows: [String], files: String = "/openai/v1/files",
    batches: String = "/openai/v1/batches", endpoint: String = "/v1/chat/completions"
  ) async throws -> LiveSimulator.Answer {
    let file = try #require(try await upload(live, files, rows.joined()).json["id"]?.string)
    while try await live.send(.get, "/openai/v1/files/\(file)").json["status"]?.string != "processed" {
      try await Task.sleep(for: .milliseconds(5))
    }
    return try await live.send(
      .post, batches, #"{"input_file_id":"\#(file)","endpoint":"\#(endpoint)","completion_window":"24h"}"#)
  }

  private func ended(_ live: LiveSimulator, _ id: String) async throws -> JSONSlice {
    while true {
      let batch = try await live.send(.get, "/openai/v1/batches/\(id)").json
      if let status = batch["status"]?.string, LiveSimulator.terminal.contains(status.lowercased()) { return batch }
      try await Task.sleep(for: .milliseconds(2))
    }
  }

  @Test func batchHasEveryQuirk() async throws {
    let scratch = Scratch()
    defer { scratch.remove() }
    try await LiveSimulator.run(in: scratch.path) { live async throws -> Void in
      let created = try await create(live, [row("a"), row("b")])
      #expect(created.status == 201)
      #expect(try created.json["status"]?.string == "Validating")
      #expect(try created.json["created_at"]?.string?.hasSuffix("Z") == true)
      #expect(try created.json["request_counts"]?["total"]?.isNull == true)
      #expect(created.headers[.azureRequestID] != nil)
      let batch = try await ended(live, try #require(try created.json["id"]?.string))
      #expect(batch["status"]?.string == "Completed")
      #expect(batch["request_counts"]?["completed"]?.int64 == 2)
      let errors = try #require(batch["error_file_id"]?.string)
      let content = try await live.send(.get, "/openai/v1/files/\(errors)/content")
      #expect(content.status == 200)
      #expect(content.body.isEmpty)
      #expect(try await live.results(batch, "output_file_id").count == 2)
    }
  }

  @Test func batchWithoutQuirksIsLikeOpenAIs() async throws {
    let scratch = Scratch()
    defer { scratch.remove() }
    let change: @Sendable (inout Behaviour) -> Void = { behaviour in
      behaviour.azureCapitalStatuses = false
      behaviour.azureTextTimes = false
      behaviour.azureNullCounts = false
      behaviour.azureEmptyErrorFile = false
      behaviour.azureCreatedStatus = false
      behaviour.azureBatchDeployments = false
      behaviour.fileProcessingMs = 0
    }
    try await LiveSimulator.run(in: scratch.path, change: change) { live async throws -> Void in
      let created = try await create(live, [row("a", model: "gpt-4o-mini")])
      #expect(created.status == 200)
      #expect(try created.json["status"]?.string == "validating")
      #expect(try created.json["created_at"]?.int64 != nil)
      let batch = try await ended(live, try #require(try created.json["id"]?.string))
      #expect(batch["error_file_id"]?.isNull == true)
    }
  }

  @Test func fileMustBeProcessed() async throws {
    let scratch = Scratch()
    defer { scratch.remove() }
    try await LiveSimulator.run(in: scratch.path, change: { $0.fileProcessingMs = 600_000 }) {
      live async throws -> Void in
      let file = try await upload(live, "/openai/v1/files", row("a"))
      #expect(file.status == 201)
      #expect(try file.json["status"]?.string == "pending")
      let id = try #require(try file.json["id"]?.string)
      let refused = try await live.send(
        .post, "/openai/v1/batches",
        #"{"input_file_id":"\#(id)","endpoint":"/v1/chat/completions","completion_window":"24h"}"#)
      #expect(refused.status == 400)
      #expect(try refused.json["error"]?["code"]?.string == "invalidPayload")
      #expect(try refused.json["error"]?["type"] == nil)
    }
  }

  @Test func datedPathsNeedTheirVersion() async throws {
    let scratch = Scratch()
    defer { scratch.remove() }
    try await LiveSimulator.run(in: scratch.path, change: { $0.fileProcessingMs = 0 }) {
      live async throws -> Void in
      for path in [
        "/openai/files", "/openai/files?api-version=2024", "/openai/deployments/d/files?\(Self.dated)",
        "/openai/deployments/d/batches?\(Self.dated)", "/openai/deployments?\(Self.dated)",
      ] {
        #expect(try await live.send(.get, path).status == 404, "\(path)")
      }
      let chat = #"{"messages":[{"role":"user","content":"hi"}]}"#
      #expect(try await live.send(.post, "/openai/chat/completions?\(Self.dated)", chat).status == 404)
      let answer = try await live.send(.post, "/openai/deployments/gpt-4o-mini/chat/completions?\(Self.dated)", chat)
      #expect(answer.status == 200)
      #expect(try answer.json["model"]?.string == "gpt-4o-mini")
      let missing = try await live.send(.post, "/openai/deployments/missing-x/chat/completions?\(Self.dated)", chat)
      #expect(missing.status == 404)
      #expect(try missing.json["error"]?["code"]?.string == "DeploymentNotFound")
    }
  }

  @Test func datedBatchRepeatsItsEndpoint() async throws {
    let scratch = Scratch()
    defer { scratch.remove() }
    try await LiveSimulator.run(
      in: scratch.path,
      change: {
        $0.fileProcessingMs = 0
        $0.enqueuedTokens = 5000
      }
    ) { live async throws -> Void in
      let (files, batches) = ("/openai/files?\(Self.dated)", "/openai/batches?\(Self.dated)")
      let right = try await create(
        live, [row("a", url: "/chat/completions")], files: files, batches: batches, endpoint: "/chat/completions")
      #expect(right.status == 201)
      #expect(right.headers[.maximumEnqueuedTokens] == "5000")
      let done = try await ended(live, try #require(try right.json["id"]?.string))
      #expect(done["status"]?.string == "Completed")
      let wrong = try await create(live, [row("b")], files: files, batches: batches, endpoint: "/chat/completions")
      let failed = try await ended(live, try #require(try wrong.json["id"]?.string))
      #expect(failed["errors"]?["data"]?.elements.first { _ in true }?["code"]?.string == "url_mismatch")
    }
  }

  @Test func deploymentsAreForBatchesOrForCalls() async throws {
    let scratch = Scratch()
    defer { scratch.remove() }
    try await LiveSimulator.run(in: scratch.path, change: { $0.fileProcessingMs = 0 }) {
      live async throws -> Void in
      let created = try await create(live, [row("a", model: "gpt-4o-mini")])
      let batch = try await ended(live, try #require(try created.json["id"]?.string))
      #expect(batch["status"]?.string == "Failed")
      #expect(batch["errors"]?["data"]?.elements.first { _ in true }?["code"]?.string == "invalid_request")
      let call = try await live.send(
        .post, "/openai/v1/chat/completions",
        #"{"model":"gpt-4o-mini-batch","messages":[{"role":"user","content":"hi"}]}"#)
      #expect(call.status == 400)
      #expect(try call.json["error"]?["code"]?.string == "OperationNotSupported")
    }
  }

  @Test func lifetimesAreToldWithDots() async throws {
    let scratch = Scratch()
    defer { scratch.remove() }
    try await LiveSimulator.run(in: scratch.path, change: { $0.azureMaxFiles = 1 }) { live async throws -> Void in
      let files = "/openai/v1/files"
      let bracketed = field("expires_after[anchor]", "created_at") + field("expires_after[seconds]", "1209600")
      let dotted = field("expires_after.anchor", "created_at") + field("expires_after.seconds", "1209600")
      let short = field("expires_after.anchor", "created_at") + field("expires_after.seconds", "3600")
      #expect(try await upload(live, files, "x", fields: bracketed).status == 400)
      #expect(try await upload(live, files, "x", fields: short).status == 400)
      #expect(try await upload(live, files, "x").json["expires_at"]?.isNull == true)
      // The second that stays for ever is one too many, one that expires is not.
      #expect(try await upload(live, files, "x").status == 400)
      let file = try await upload(live, files, "x", fields: dotted).json
      let created = try #require(file["created_at"]?.int64)
      #expect(file["expires_at"]?.int64 == created + 1_209_600)
    }
  }

  @Test func keyAndTokenOpenIt() async throws {
    let scratch = Scratch()
    defer { scratch.remove() }
    try await LiveSimulator.run(in: scratch.path, keys: ["secret=one", "token=one"]) { live async throws -> Void in
      func status(_ headers: HTTPFields) async throws -> (Int, String?) {
        try await live.client.execute(uri: "/openai/v1/models", method: .get, headers: headers, body: nil) {
          let body = try JSONSlice.parse(Array(String(buffer: $0.body).utf8))
          return ($0.status.code, body["error"]?["code"]?.string)
        }
      }
      #expect(try await status([.apiKey: "secret"]).0 == 200)
      #expect(try await status([.authorization: "Bearer token"]).0 == 200)
      #expect(try await status([.apiKey: "wrong"]).0 == 401)
      #expect(try await status([:]) == (401, "401"))
      // The header is Azure's alone.
      #expect(
        try await live.client.execute(uri: "/v1/models", method: .get, headers: [.apiKey: "secret"], body: nil) {
          $0.status.code
        } == 401)
    }
  }

  @Test(arguments: ["azure_text_times=maybe", "azure_text_times", "nonsense=on", "azure_max_files=-1"])
  func wrongQuirksAreNamed(quirk: String) throws {
    var options = QuirkOptions()
    options.quirks = [quirk]
    var behaviour = Behaviour()
    #expect(throws: SimulatorError.self) { try options.apply(to: &behaviour) }
  }

  @Test func dialectSurvivesTheRestart() async throws {
    let scratch = Scratch()
    defer { scratch.remove() }
    let change: @Sendable (inout Behaviour) -> Void = {
      $0.fileProcessingMs = 0
      $0.batchMinMs = 600_000
    }
    let id = try await LiveSimulator.run(in: scratch.path, change: change) { live async throws -> String in
      try #require(try await create(live, [row("a")]).json["id"]?.string)
    }
    try await LiveSimulator.run(in: scratch.path, change: { $0.fileProcessingMs = 0 }) {
      live async throws -> Void in
      let batch = try await live.send(.get, "/openai/v1/batches/\(id)").json
      #expect(batch["status"]?.string?.first?.isUppercase == true)
      _ = try await live.send(.post, "/openai/v1/batches/\(id)/cancel")
      #expect(try await ended(live, id)["endpoint"]?.string == "/v1/chat/completions")
    }
  }
}
