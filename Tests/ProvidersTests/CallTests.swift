import BatchCore
import Providers
import Testing

private let requestBody = makeBody(#"{"model":"gpt-4o-mini","messages":[]}"#, model: "gpt-4o-mini")

private func call(_ http: ScriptedHTTP, endpoint: Endpoint = .chatCompletions) async -> CallOutcome {
  await makeProvider(http).call(
    ProviderCall(endpoint: endpoint, model: "ro\"ute", body: requestBody, timeout: .seconds(30)))
}

@Suite(.timeLimit(.minutes(4)))
struct CallTests {
  private let answer =
    #"{"id":"c","choices":[],"usage":{"prompt_tokens":12,"completion_tokens":5,"prompt_tokens_details":null}}"#

  @Test func sendsTheBodyWithTheRoutesModel() async throws {
    let http = ScriptedHTTP(.answer(200, [("X-Request-ID", "req_1")], answer))
    let provider = makeProvider(http) {
      $0.organization = "org"
      $0.project = "proj"
    }
    let outcome = await provider.call(
      ProviderCall(endpoint: .chatCompletions, model: "ro\"ute", body: requestBody, timeout: .seconds(30)))
    #expect(
      outcome
        == CallOutcome(
          disposition: .succeeded,
          response: ProviderResponse(statusCode: 200, requestID: "req_1", body: Array(answer.utf8)),
          usage: Usage(inputTokens: 12, cachedInputTokens: 0, outputTokens: 5), mayHaveBeenPaid: false, message: ""))
    let sent = try #require(await http.sent.first)
    #expect(sent.line == "POST https://api.example.test/v1/chat/completions")
    #expect(sent.text == #"{"model":"ro\"ute","messages":[]}"#)
    #expect(sent.header("authorization") == "Bearer " + testSecret)
    #expect(sent.header("content-type") == "application/json")
    #expect(sent.header("openai-organization") == "org")
    #expect(sent.header("openai-project") == "proj")
    #expect(sent.request.mustNotRepeat)
    #expect(sent.request.limits.total == .seconds(30))
    #expect(!"\(sent.request)".contains(testSecret))
    #expect(!String(reflecting: sent.request).contains(testSecret))
  }

  @Test(arguments: [(Endpoint.responses, "/responses"), (.embeddings, "/embeddings")])
  func pathsFollowTheEndpoint(endpoint: Endpoint, path: String) async {
    let http = ScriptedHTTP(.answer(200, [], "{}"))
    _ = await call(http, endpoint: endpoint)
    #expect(await http.sent.map(\.line) == ["POST https://api.example.test/v1" + path])
  }

  @Test(arguments: [
    (HTTPExchange.Failure.Kind.unreachable, false), (.tls, false), (.timedOut(.connect), false),
    (.timedOut(.total), true), (.timedOut(.idle), true), (.connectionLost, true), (.connectionLost, false),
    (.cancelled, true), (.invalidURL, false),
  ])
  func transportFailuresMayHaveCost(kind: HTTPExchange.Failure.Kind, sent: Bool) async {
    let outcome = await call(ScriptedHTTP(.fail(failure(kind, sent: sent))))
    #expect(
      outcome
        == CallOutcome(
          disposition: .retryable(retryAfter: nil), response: nil, usage: nil, mayHaveBeenPaid: sent,
          message: "openai: it went wrong"))
  }

  @Test func anAnswerThatIsTooLargeIsNotAskedForAgain() async {
    let outcome = await call(ScriptedHTTP(.fail(failure(.responseTooLarge, sent: true))))
    #expect(outcome.disposition == .rejected)
    #expect(outcome.mayHaveBeenPaid)
  }

  @Test func aBodyThatIsNoJSONIsDelivered() async {
    let bytes: [UInt8] = [0xFF, 0xFE, 0x00]
    let outcome = await call(ScriptedHTTP(.bytes(200, bytes)))
    #expect(outcome.disposition == .succeeded)
    #expect(outcome.response?.body == bytes)
    #expect(outcome.usage == nil)
    #expect(outcome.mayHaveBeenPaid)
  }

  @Test func anAnswerWithoutUsageMayHaveCost() async {
    let outcome = await call(ScriptedHTTP(.answer(200, [], #"{"choices":[]}"#)))
    #expect(outcome.disposition == .succeeded && outcome.usage == nil)
    #expect(outcome.mayHaveBeenPaid)
  }

  @Test func anEmptyAnswerIsNone() async {
    let outcome = await call(ScriptedHTTP(.answer(200)))
    #expect(outcome.disposition == .retryable(retryAfter: nil))
    #expect(outcome.mayHaveBeenPaid)
  }

  @Test func refusalsKeepTheirBodyAndSayWhy() async {
    let body =
      #"{"error":{"message":"Too\nlong","type":"invalid_request_error","param":null,"code":"context_length_exceeded"}}"#
    let outcome = await call(ScriptedHTTP(.answer(400, [], body)))
    #expect(outcome.disposition == .rejected)
    #expect(outcome.response?.body == Array(body.utf8))
    #expect(outcome.message == "openai answered 400 (context_length_exceeded): Too long")
    #expect(!outcome.mayHaveBeenPaid)
  }

  @Test func rateLimitsSayWhenToReturn() async {
    let body = #"{"error":{"message":"slow","type":"requests","code":"rate_limit_exceeded"}}"#
    let outcome = await call(ScriptedHTTP(.answer(429, [("retry-after-ms", "1200"), ("retry-after", "9")], body)))
    #expect(outcome.disposition == .rateLimited(retryAfter: .milliseconds(1200)))
  }

  @Test func gatewayTimeoutsMayHaveCost() async {
    #expect(await call(ScriptedHTTP(.answer(504))).mayHaveBeenPaid)
    #expect(await !call(ScriptedHTTP(.answer(502))).mayHaveBeenPaid)
    #expect(await call(ScriptedHTTP(.answer(503, [("x-should-retry", "false")]))).disposition == .rejected)
  }

  @Test func noKeyIsEverQuoted() async {
    let body = #"{"error":{"message":"bad key \#(testSecret), see sk-proj-a***b","code":"invalid_api_key"}}"#
    for status in [400, 401, 403, 500] {
      let message = await call(ScriptedHTTP(.answer(status, [], body))).message
      #expect(!message.contains("sk-test"))
      #expect(!message.contains("sk-proj"))
    }
    #expect(await call(ScriptedHTTP(.answer(401, [], body))).message == "openai answered 401 (invalid_api_key)")
    let key = APIKey(secret: testSecret, fingerprint: "aabbccdd")
    var dumped = ""
    dump(key, to: &dumped)
    #expect(!"\(key) \(String(reflecting: key)) \(dumped)".contains(testSecret))
  }

  @Test func aPlaceOutsideTheBodyIsRefused() async {
    let http = ScriptedHTTP()
    let broken = RequestBody(bytes: Array("{}".utf8), modelRange: 1..<9)
    let outcome = await makeProvider(http).call(
      ProviderCall(endpoint: .responses, model: "m", body: broken, timeout: .seconds(1)))
    #expect(outcome.disposition == .rejected)
    #expect(await http.sent.isEmpty)
  }

  @Test func accountsAreNamedWithoutSecrets() {
    let provider = makeProvider(ScriptedHTTP(), endpoint: "https://user:word@api.example.test/v1//") {
      $0.apiKeys.append(APIKey(secret: "other", fingerprint: "11223344"))
    }
    #expect(provider.account == "openai https://api.example.test/v1 aabbccdd")
    #expect(provider.pinned(to: "11223344")?.account == "openai https://api.example.test/v1 11223344")
    #expect(provider.pinned(to: "nope") == nil)
    let open = makeProvider(ScriptedHTTP()) { $0.apiKeys = [] }
    #expect(open.account == "openai https://api.example.test/v1 none")
  }

  @Test func capabilitiesFollowTheKind() {
    let openAI = makeProvider(ScriptedHTTP()).capabilities
    #expect(openAI.batches && openAI.searchable && openAI.cancellable)
    #expect(openAI.largestBatchRows == 50_000)
    #expect(openAI.largestBatchBytes == 200_000_000)
    let configuration = OpenAIConfiguration(name: "x", dialect: .openAICompatible, endpoint: "u", apiKeys: [])
    #expect(configuration.dialect.capabilities.largestBatchRows == 10_000)
    let without = makeProvider(ScriptedHTTP()) { $0.dialect.capabilities = $0.dialect.capabilities.withoutBatches }
      .capabilities
    #expect(!without.searchable && !without.batches)
  }

  @Test func probes() async throws {
    let http = ScriptedHTTP(.answer(200, [], #"{"data":[]}"#), .answer(401, [], "{}"))
    try await makeProvider(http).probe()
    let error = await errorOf { () throws(ProviderError) in try await makeProvider(http).probe() }
    #expect(error?.reason == .accountClosed(.unauthorised))
    #expect(await http.sent.map(\.line) == Array(repeating: "GET https://api.example.test/v1/models", count: 2))
  }
}
