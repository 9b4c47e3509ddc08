import BatchCore
import Testing
import Wire

@testable import Providers

/// Azure OpenAI, as far as it differs.
@Suite(.timeLimit(.minutes(4)))
struct AzureTests {
  private static let resource = "https://res.openai.azure.test"

  private func azure(
    _ http: ScriptedHTTP, version: String? = nil, batch: [String: String] = [:]
  ) -> OpenAIProvider {
    makeProvider(http, endpoint: OpenAIDialect.azureBase(endpoint: Self.resource, apiVersion: version)) {
      $0.name = "azure"
      $0.dialect = .azure(apiVersion: version, batchDeployments: batch)
      $0.sleep = { _ in }
    }
  }

  private func submission(_ provider: OpenAIProvider, _ rows: [BatchRow], model: String = "mini") -> BatchSubmission {
    let size = provider.inputSize(
      of: rows.count, customIDBytes: rows.reduce(0) { $0 + Int64($1.customID.utf8.count) },
      bodyBytes: rows.reduce(0) { $0 + Int64($1.body.bytes.count) },
      modelRangeBytes: rows.reduce(0) { $0 + Int64($1.body.modelRange.count) }, model: model,
      endpoint: .chatCompletions)
    return BatchSubmission(
      label: "run-1", endpoint: .chatCompletions, model: model, rowCount: rows.count, inputBytes: size)
  }

  private let rows = [
    BatchRow(customID: "r-1", body: makeBody(#"{"model":"gpt","messages":[]}"#, model: "gpt"))
  ]

  @Test(arguments: [
    ("https://r.test", nil, "https://r.test/openai/v1"), ("https://r.test/", "2024-10-21", "https://r.test/openai"),
    ("https://r.test/openai/v1", nil, "https://r.test/openai/v1"),
    ("https://r.test/openai/v1/", nil, "https://r.test/openai/v1"),
    ("https://r.test/openai", "2024-10-21", "https://r.test/openai"),
    ("https://gateway.test/team", nil, "https://gateway.test/team/openai/v1"),
  ])
  func addresses(endpoint: String, version: String?, base: String) {
    #expect(OpenAIDialect.azureBase(endpoint: endpoint, apiVersion: version) == base)
  }

  @Test func callsOfBothPaths() async throws {
    let body = makeBody(#"{"model":"gpt","messages":[]}"#, model: "gpt")
    let call = ProviderCall(endpoint: .chatCompletions, model: "my mini", body: body, timeout: .seconds(5))
    let http = ScriptedHTTP(.answer(200, [], "{}"), .answer(200, [], "{}"))
    _ = await azure(http).call(call)
    _ = await azure(http, version: "2024-10-21").call(call)
    let sent = await http.sent
    #expect(
      sent.map(\.line) == [
        "POST https://res.openai.azure.test/openai/v1/chat/completions",
        "POST https://res.openai.azure.test/openai/deployments/my%20mini/chat/completions?api-version=2024-10-21",
      ])
    #expect(sent.allSatisfy { $0.header("api-key") == testSecret && $0.header("authorization") == nil })
    #expect(sent.allSatisfy { $0.text == #"{"model":"my mini","messages":[]}"# })
  }

  @Test func uploadWaitsUntilTheFileIsProcessed() async throws {
    let http = ScriptedHTTP(
      .answer(201, [], #"{"id":"file-1","status":"pending"}"#),
      .answer(200, [], #"{"id":"file-1","status":"Running"}"#),
      .answer(200, [], #"{"id":"file-1","status":"Processed"}"#))
    let provider = azure(http, version: "2024-10-21", batch: ["mini": "mini-batch"])
    #expect(try await provider.upload(submission(provider, rows), rows: Rows([rows])) == "file-1")
    let sent = await http.sent
    #expect(
      sent.map(\.line) == [
        "POST https://res.openai.azure.test/openai/files?api-version=2024-10-21",
        "GET https://res.openai.azure.test/openai/files/file-1?api-version=2024-10-21",
        "GET https://res.openai.azure.test/openai/files/file-1?api-version=2024-10-21",
      ])
    let text = sent[0].text
    #expect(text.contains("name=\"expires_after.anchor\"\r\n\r\ncreated_at\r\n"))
    #expect(text.contains("name=\"expires_after.seconds\"\r\n\r\n1209600\r\n"))
    // Batches have a deployment of their own, and the dated paths leave the version out.
    #expect(text.contains(#""url":"/chat/completions","body":{"model":"mini-batch","messages":[]}}"#))
    #expect(sent[0].declaredLength == Int64(text.utf8.count))
  }

  @Test(arguments: [("error", false), ("running", true)])
  func filesThatAreNeverProcessed(status: String, isTransient: Bool) async throws {
    let http = ScriptedHTTP()
    await http.add(.answer(201, [], #"{"id":"file-1","status":"pending"}"#))
    for _ in 0..<200 { await http.add(.answer(200, [], #"{"id":"file-1","status":"\#(status)"}"#)) }
    let provider = azure(http)
    let error = await errorOf { () throws(ProviderError) in
      try await provider.upload(submission(provider, rows), rows: Rows([rows]))
    }
    #expect(error?.reason == (isTransient ? .unavailable(retryAfter: nil) : .rejected(statusCode: 400)))
    #expect(error?.isAmbiguous == false)
    #expect(error?.message.contains("status is \(status)") == true)
  }

  @Test func createAndItsAnswer() async throws {
    let answer = #"""
      {"object":"batch","id":"batch_1","status":"Validating","endpoint":"/v1/chat/completions","input_file_id":"file-1",
       "created_at":"2026-11-23T10:00:00Z","request_counts":{"total":null,"completed":null,"failed":null},
       "errors":null,"metadata":{"millrace_label":"run-1"}}
      """#
    let http = ScriptedHTTP(.answer(201, [], answer), .answer(201, [], answer))
    for version in [nil, "2025-04-01-preview"] {
      let provider = azure(http, version: version)
      let batch = try await provider.create(
        submission(provider, rows), input: .file("file-1"), timeout: .seconds(5))
      #expect(batch.state == .queued)
      #expect(batch.label == "run-1")
      #expect(batch.counts == nil)
      #expect(batch.createdAt == Timestamp(milliseconds: 1_795_428_000_000))
    }
    let sent = await http.sent
    #expect(sent[0].text.contains(#""endpoint":"/v1/chat/completions""#))
    #expect(sent[1].text.contains(#""endpoint":"/chat/completions""#))
    #expect(sent[1].line.hasSuffix("/openai/batches?api-version=2025-04-01-preview"))
  }

  @Test(arguments: [
    ("Validating", BatchState.queued), ("In_progress", .running), ("InProgress", .running), ("Finalizing", .running),
    ("Completed", .completed), ("Cancelling", .cancelling), ("Failed", .failed), ("Paused", .unrecognised("Paused")),
  ])
  func statuses(spelling: String, state: BatchState) {
    #expect(SnapshotParser.state(spelling) == state)
  }

  /// Its code seems to blame the rows, and every one of them would be tried alone.
  @Test func deploymentThatIsNotForBatches() throws {
    let body = try JSONSlice.parse(
      Array(
        #"""
        {"id":"batch_1","status":"Failed","errors":{"data":[{"code":"invalid_request",
         "message":"The deployment is of the wrong type.","param":null,"line":null}]}}
        """#.utf8))
    let batch = try #require(AzureShape().snapshot(body))
    let disposition = BatchFailure.disposition(of: batch.problems, rowCount: 100, halvings: 0)
    #expect(disposition == .accountClosed(.unauthorised))
  }

  @Test func keysAndTokensAppearInNoText() {
    #expect(ProviderText.line("token eyJhbGciOi.eyJzdWIi.xx is expired") == "token eyJ*** is expired")
    #expect(ProviderText.line("key sk-12345") == "key sk-***")
  }
}
