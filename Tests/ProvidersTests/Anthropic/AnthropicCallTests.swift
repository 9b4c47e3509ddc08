import BatchCore
import Providers
import Testing

@Suite(.timeLimit(.minutes(4)))
struct AnthropicCallTests {
  private static let text =
    #"{"model":"claude-*","max_tokens":9,"unknown":[1.50],"messages":[{"role":"user","content":"hi"}]}"#

  private func call(_ http: ScriptedHTTP) async -> CallOutcome {
    await makeAnthropic(http).call(
      ProviderCall(
        endpoint: .messages, model: "claude-haiku-5-5", body: makeBody(Self.text, model: "claude-*"),
        timeout: .seconds(100)))
  }

  private func refusal(
    _ status: Int, _ body: String, _ headers: [HTTPExchange.Header] = []
  ) async -> Disposition { await call(ScriptedHTTP(.answer(status, headers, body))).disposition }

  @Test func bodiesArePassedThrough() async throws {
    let message =
      #"{"id":"msg_1","type":"message","content":[],"usage":{"input_tokens":10,"cache_creation_input_tokens":30,"cache_read_input_tokens":50,"cache_creation":{"ephemeral_5m_input_tokens":20,"ephemeral_1h_input_tokens":10},"output_tokens":5}}"#
    let http = ScriptedHTTP(.answer(200, [("request-id", "req_9")], message))
    let outcome = await call(http)
    let sent = try #require(await http.sent.first)
    #expect(sent.line == "POST https://api.example.test/v1/messages")
    #expect(sent.text == Self.text.replacing("claude-*", with: "claude-haiku-5-5"))
    #expect(sent.header("anthropic-version") == "2023-06-01")
    #expect(sent.header("x-api-key") == testSecret)
    #expect(sent.header("authorization") == nil)
    #expect(sent.request.mustNotRepeat)
    #expect(outcome.disposition == .succeeded)
    #expect(outcome.response?.requestID == "req_9")
    #expect(outcome.response?.body == Array(message.utf8))
    #expect(
      outcome.usage
        == Usage(
          inputTokens: 90, cachedInputTokens: 50, cacheWriteTokens: 30, outputTokens: 5, longCacheWriteTokens: 10))
  }

  @Test func versionAndAddressAreConfigurable() async throws {
    let http = ScriptedHTTP(.answer(200, [], "{}"))
    try await makeAnthropic(http, endpoint: "https://gateway.test/anthropic/v1/") { $0.version = "2026-10-21" }.probe()
    let sent = try #require(await http.sent.first)
    #expect(sent.line == "GET https://gateway.test/anthropic/v1/models?limit=1")
    #expect(sent.header("anthropic-version") == "2026-10-21")
  }

  /// Every status and type of the provider's table.
  @Test func refusals() async {
    func type(_ name: String) -> String { MessageSamples.error(name) }
    #expect(await refusal(400, type("invalid_request_error")) == .rejected)
    #expect(await refusal(401, type("authentication_error")) == .accountClosed(.unauthorised))
    #expect(await refusal(402, type("billing_error")) == .accountClosed(.billing))
    #expect(await refusal(403, type("permission_error")) == .accountClosed(.unauthorised))
    #expect(await refusal(404, type("not_found_error")) == .rejected)
    #expect(await refusal(413, type("request_too_large")) == .rejected)
    #expect(
      await refusal(429, type("rate_limit_error"), [("retry-after", "7")])
        == .rateLimited(retryAfter: .seconds(7)))
    #expect(await refusal(500, type("api_error")) == .retryable(retryAfter: nil))
    #expect(await refusal(504, type("timeout_error")) == .retryable(retryAfter: nil))
    #expect(await refusal(529, type("overloaded_error")) == .retryable(retryAfter: nil))
  }

  /// Limits on spending are told by a code in the details, or by the first words alone.
  @Test func spending() async {
    for code in ["enforced_spend_limit_reached", "contract_spend_limit_reached"] {
      let body = MessageSamples.error("rate_limit_error", #","details":{"error_code":"\#(code)"}"#)
      #expect(await refusal(429, body) == .accountClosed(.billing), "\(code)")
    }
    let hold = MessageSamples.error("invalid_request_error", #","details":{"error_code":"organization_on_hold"}"#)
    #expect(await refusal(400, hold) == .accountClosed(.billing))
    func bad(_ message: String) -> String {
      #"{"type":"error","error":{"type":"invalid_request_error","message":"\#(message)"}}"#
    }
    #expect(
      await refusal(400, bad("Your credit balance is too low to access the Anthropic API."))
        == .accountClosed(.billing))
    // What a publisher wrote may be quoted, and must not close the account.
    #expect(
      await refusal(400, bad("messages.0: 'Your credit balance is too low to access' is not allowed")) == .rejected)
  }

  @Test func limitsAreRead() async throws {
    let http = ScriptedHTTP(
      .answer(
        200,
        [
          ("anthropic-ratelimit-requests-limit", "50"), ("anthropic-ratelimit-requests-remaining", "49"),
          ("anthropic-ratelimit-requests-reset", "2026-11-23T10:00:01Z"),
          ("anthropic-ratelimit-input-tokens-limit", "40000"),
          ("anthropic-ratelimit-input-tokens-remaining", "39000"),
          ("anthropic-ratelimit-output-tokens-limit", "8000"),
          ("anthropic-ratelimit-output-tokens-remaining", "8000"),
        ], "{}"))
    let pace = try #require(await call(http).pace)
    #expect(pace.requests == RateLevel(limit: 50, remaining: 49))
    #expect(pace.inputTokens == RateLevel(limit: 40000, remaining: 39000))
    #expect(pace.outputTokens == RateLevel(limit: 8000, remaining: 8000))
    #expect(pace.tokens == nil)
  }

  /// Cache reads and writes are priced each for itself, once, in whole pico-dollars.
  @Test func cacheIsPriced() throws {
    let price = try #require(ModelCatalog.shipped.price(of: "anthropic/claude-haiku-4-5-20251001", at: "any"))
    let usage = Usage(
      inputTokens: 90, cachedInputTokens: 50, cacheWriteTokens: 30, outputTokens: 5, longCacheWriteTokens: 10)
    // 10 fresh, 20 written at 1.25, 10 written at 2, 50 read at 0.1, 5 out: at 1 and 5 USD a million.
    let list: Int64 = 10_000_000 + 25_000_000 + 20_000_000 + 5_000_000 + 25_000_000
    #expect(price.cost(of: usage, basis: .list) == PicoUSD(list))
    #expect(price.cost(of: usage, basis: .batch) == PicoUSD(list / 2))
  }
}
