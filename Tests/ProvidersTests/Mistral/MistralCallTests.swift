import BatchCore
import Providers
import Testing
import Wire

@Suite(.timeLimit(.minutes(4)))
struct MistralCallTests {
  private static let text =
    #"{"model":"m-*","random_seed":9,"unknown":[1.50],"messages":[{"role":"user","content":"hi"}]}"#

  private func call(_ http: ScriptedHTTP, _ endpoint: Endpoint = .mistralChat, _ text: String = text) async
    -> CallOutcome
  {
    await makeMistral(http).call(
      ProviderCall(
        endpoint: endpoint, model: "mistral-small-2603", body: makeBody(text, model: "m-*"), timeout: .seconds(100)))
  }

  private func refusal(_ status: Int, _ body: String, _ headers: [HTTPExchange.Header] = []) async -> CallOutcome {
    await call(ScriptedHTTP(.answer(status, headers, body)))
  }

  @Test func bodiesArePassedThrough() async throws {
    let http = ScriptedHTTP(.answer(200, [("mistral-correlation-id", "c-9")], MistralSamples.answer))
    let outcome = await call(http)
    let sent = try #require(await http.sent.first)
    #expect(sent.line == "POST https://api.example.test/v1/chat/completions")
    #expect(sent.text == Self.text.replacing("m-*", with: "mistral-small-2603"))
    #expect(sent.header("authorization") == "Bearer " + testSecret)
    #expect(sent.request.mustNotRepeat)
    #expect(outcome.disposition == .succeeded)
    #expect(outcome.response?.requestID == "c-9")
    #expect(outcome.response?.body == Array(MistralSamples.answer.utf8))
    #expect(outcome.usage == Usage(inputTokens: 10, cachedInputTokens: 4, outputTokens: 5))
  }

  @Test func embeddingsArePassedThrough() async throws {
    let answer = #"{"id":"e","object":"list","data":[],"usage":{"prompt_tokens":3,"total_tokens":3}}"#
    let http = ScriptedHTTP(.answer(200, [], answer))
    let outcome = await call(http, .embeddings, #"{"model":"m-*","input":["a"],"output_dimension":24}"#)
    #expect(await http.sent.first?.line == "POST https://api.example.test/v1/embeddings")
    #expect(await http.sent.first?.text == #"{"model":"mistral-small-2603","input":["a"],"output_dimension":24}"#)
    #expect(outcome.response?.body == Array(answer.utf8))
    #expect(outcome.usage == Usage(inputTokens: 3))
  }

  @Test func openAIsShapeIsTranslatedBothWays() async throws {
    let http = ScriptedHTTP(.answer(200, [], MistralSamples.answer), .answer(422, [], MistralSamples.validation))
    let chat =
      #"{"seed":1,"model":"m-*","messages":[{"role":"developer","content":"b"},{"role":"user","content":"hi"}]}"#
    let outcome = await call(http, .chatCompletions, chat)
    #expect(
      await http.sent.first?.text
        == #"{"random_seed":1,"model":"mistral-small-2603","messages":[{"role":"system","content":"b"},{"role":"user","content":"hi"}]}"#
    )
    let message = try JSONSlice.parse(try #require(outcome.response).body)["choices"]?.elements.first { _ in true }?[
      "message"]
    #expect(message?["content"]?.string == "yes")
    #expect(message?["tool_calls"] == nil)
    let refused = await call(http, .chatCompletions, chat)
    #expect(refused.disposition == .rejected)
    let error = try JSONSlice.parse(try #require(refused.response).body)["error"]
    #expect(error?["message"]?.string == "body.messages.0.role: Input should be 'user'")
    #expect(error?["type"]?.string == "literal_error")
    // What has no counterpart is not sent.
    let unsent = await call(ScriptedHTTP(), .chatCompletions, #"{"user":"u","model":"m-*","messages":[]}"#)
    #expect(unsent.disposition == .rejected && !unsent.mayHaveBeenPaid)
    #expect(unsent.message == "mistral: user: has no counterpart at this provider")
  }

  /// Every form in which it says what is wrong.
  @Test func refusals() async {
    let limited =
      #"{"object":"error","message":"Rate limit exceeded","type":"rate_limited","param":null,"code":"1300","raw_status_code":429}"#
    let outcome = await refusal(429, limited, [("retry-after-ms", "1500"), ("retry-after", "9")])
    #expect(outcome.disposition == .rateLimited(retryAfter: .milliseconds(1500)))
    #expect(outcome.message == "mistral answered 429 (1300): Rate limit exceeded")
    let invalid = await refusal(422, MistralSamples.validation)
    #expect(invalid.disposition == .rejected)
    #expect(invalid.message == "mistral answered 422 (literal_error): body.messages.0.role: Input should be 'user'")
    let nested = await refusal(
      422, #"{"object":"error","message":\#(MistralSamples.validation),"type":"invalid_request_error","code":null}"#)
    #expect(
      nested.message == "mistral answered 422 (invalid_request_error): body.messages.0.role: Input should be 'user'")
    #expect(
      await refusal(400, #"{"message":"Invalid model: x","type":"invalid_model","code":"1500"}"#).disposition
        == .rejected)
    #expect(
      await refusal(401, #"{"message":"Unauthorized","request_id":"r"}"#).disposition == .accountClosed(.unauthorised))
    #expect(await refusal(402, #"{"detail":"Payment required"}"#).disposition == .accountClosed(.billing))
    #expect(await refusal(404, #"{"detail":"Not found"}"#).message == "mistral answered 404: Not found")
    #expect(await refusal(503, "").disposition == .retryable(retryAfter: nil))
    // Shapes that nobody has seen yet.
    for body in [#"{"detail":[]}"#, #"{"detail":[{"msg":1}]}"#, #"{"message":{}}"#, #"{"detail":{"a":1}}"#] {
      #expect(await refusal(422, body).message == "mistral answered 422")
    }
  }

  @Test func limitsAreRead() async throws {
    let http = ScriptedHTTP(
      .answer(
        200,
        [
          ("x-ratelimit-limit-req-minute", "720"), ("x-ratelimit-remaining-req-minute", "717"),
          ("x-ratelimit-limit-tokens-minute", "5000000"), ("x-ratelimit-remaining-tokens-minute", "4999911"),
          ("x-ratelimit-limit-tokens-month", "4000000"), ("x-ratelimit-tokens-query-cost", "52"),
        ], MistralSamples.answer))
    let pace = try #require(await call(http).pace)
    #expect(pace.requests == RateLevel(limit: 720, remaining: 717))
    #expect(pace.tokens == RateLevel(limit: 5_000_000, remaining: 4_999_911))
  }

  @Test(arguments: [
    "https://api.example.test", "https://api.example.test/", "https://api.example.test/v1",
    "https://api.example.test/v1/",
  ])
  func theAddressHasAVersionOrNone(_ endpoint: String) async throws {
    let http = ScriptedHTTP(.answer(200, [], #"{"data":[]}"#))
    try await makeMistral(http, endpoint: endpoint).probe()
    #expect(await http.sent.first?.line == "GET https://api.example.test/v1/models")
  }

  @Test func pricesAreTheVendors() throws {
    let price = try #require(ModelCatalog.shipped.price(of: "mistral/mistral-small-2603", at: "any"))
    let usage = Usage(inputTokens: 10, cachedInputTokens: 4, outputTokens: 5)
    let list: Int64 = 6 * 150_000 + 4 * 15_000 + 5 * 600_000
    #expect(price.cost(of: usage, basis: .list) == PicoUSD(list))
    #expect(price.cost(of: usage, basis: .batch) == PicoUSD(list / 2))
  }

  @Test func keysArePinned() {
    let provider = makeMistral(ScriptedHTTP()) {
      $0.apiKeys.append(APIKey(secret: "sk-other", fingerprint: "11223344"))
    }
    #expect(provider.pinned(to: "11223344")?.account == "mistral https://api.example.test 11223344")
    #expect(provider.pinned(to: "unknown") == nil)
    #expect(provider.withEachKey.count == 2)
  }
}
