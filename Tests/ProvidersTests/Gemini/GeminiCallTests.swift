import BatchCore
import Providers
import Testing

@Suite(.timeLimit(.minutes(4)))
struct GeminiCallTests {
  private func call(
    _ http: ScriptedHTTP, _ text: String = #"{"model":"g-*","contents":[],"unknown":[1.50]}"#
  ) async -> CallOutcome {
    await makeGemini(http).call(
      ProviderCall(
        endpoint: .generateContent, model: "gemini-3.8-flash", body: makeBody(text, model: "g-*"),
        timeout: .seconds(100)))
  }

  private func refusal(
    _ status: Int, _ body: String, _ headers: [HTTPExchange.Header] = []
  ) async -> Disposition { await call(ScriptedHTTP(.answer(status, headers, body))).disposition }

  @Test func bodiesArePassedThrough() async throws {
    let http = ScriptedHTTP(.answer(200, [], GeminiSamples.answer))
    let outcome = await call(http)
    let sent = try #require(await http.sent.first)
    #expect(sent.line == "POST https://api.example.test/v1beta/models/gemini-3.8-flash:generateContent")
    #expect(sent.text == #"{"contents":[],"unknown":[1.50]}"#)
    #expect(sent.header("x-goog-api-key") == testSecret)
    #expect(sent.header("authorization") == nil)
    #expect(sent.request.mustNotRepeat)
    #expect(outcome.disposition == .succeeded)
    #expect(outcome.response?.body == Array(GeminiSamples.answer.utf8))
    // Thoughts are billed as output, what tools gave as input.
    #expect(outcome.usage == Usage(inputTokens: 100, cachedInputTokens: 50, outputTokens: 12))
    #expect(!outcome.mayHaveBeenPaid)
  }

  /// The member goes, and one of the commas beside it; every other byte stays.
  @Test(arguments: [
    (#"{"model":"g-*","contents":[]}"#, #"{"contents":[]}"#),
    (#"{ "model" : "g-*" , "contents" : [ ] }"#, #"{  "contents" : [ ] }"#),
    (#"{"contents":[] , "model":"g-*"}"#, #"{"contents":[] }"#),
    (#"{"a":"model","model":"g-*","b":{"model":1}}"#, #"{"a":"model","b":{"model":1}}"#),
    (#"{"a":1,"\u006dodel":"g-*" }"#, #"{"a":1 }"#), (#"{"model":"g-*"}"#, "{}"),
  ])
  func theModelGoes(_ given: String, _ wanted: String) async throws {
    let http = ScriptedHTTP(.answer(200, [], "{}"))
    _ = await call(http, given)
    #expect(await http.sent.first?.text == wanted)
  }

  @Test func placesOutsideOfBodiesAreRefused() async {
    for range in [0..<9999, -5..<2, 0..<0, 3..<3, 1..<2] {
      let body = RequestBody(bytes: Array(#"{"contents":[]}"#.utf8), modelRange: range)
      let http = ScriptedHTTP()
      let outcome = await makeGemini(http).call(
        ProviderCall(endpoint: .generateContent, model: "m", body: body, timeout: .seconds(1)))
      #expect(outcome.disposition == .rejected)
      #expect(await http.sent.isEmpty)
    }
  }

  @Test func versionAndAddressAreConfigurable() async throws {
    for endpoint in ["https://gateway.test/g/v1beta/", "https://gateway.test/g/v1", "https://gateway.test/g"] {
      let http = ScriptedHTTP(.answer(200, [], "{}"))
      try await makeGemini(http, endpoint: endpoint) { $0.version = "v1" }.probe()
      #expect(await http.sent.first?.line == "GET https://gateway.test/g/v1/models?pageSize=1")
    }
  }

  @Test func modelsMayNameTheirCollection() async throws {
    let http = ScriptedHTTP(.answer(200, [], "{}"))
    _ = await makeGemini(http).call(
      ProviderCall(
        endpoint: .generateContent, model: "tunedModels/a b", body: makeBody(#"{"model":"m"}"#, model: "m"),
        timeout: .seconds(1)))
    #expect(await http.sent.first?.line == "POST https://api.example.test/v1beta/tunedModels/a%20b:generateContent")
  }

  @Test func refusals() async {
    func body(_ code: Int, _ status: String) -> String { GeminiSamples.error(code, status) }
    #expect(await refusal(400, body(400, "INVALID_ARGUMENT")) == .rejected)
    #expect(await refusal(400, body(400, "FAILED_PRECONDITION")) == .rejected)
    #expect(await refusal(401, body(401, "UNAUTHENTICATED")) == .accountClosed(.unauthorised))
    #expect(await refusal(402, body(402, "FAILED_PRECONDITION")) == .accountClosed(.billing))
    #expect(await refusal(403, body(403, "PERMISSION_DENIED")) == .accountClosed(.unauthorised))
    #expect(await refusal(404, body(404, "NOT_FOUND")) == .rejected)
    #expect(await refusal(500, body(500, "INTERNAL")) == .retryable(retryAfter: nil))
    #expect(await refusal(503, body(503, "UNAVAILABLE")) == .retryable(retryAfter: nil))
    #expect(await refusal(504, body(504, "DEADLINE_EXCEEDED")) == .retryable(retryAfter: nil))
    #expect(await refusal(499, body(499, "BRAND_NEW")) == .rejected)
    #expect(await refusal(429, GeminiSamples.quota) == .rateLimited(retryAfter: nil))
    let message = await call(ScriptedHTTP(.answer(400, [], body(400, "INVALID_ARGUMENT")))).message
    #expect(message == "gemini answered 400 (INVALID_ARGUMENT): m")
  }

  /// A wrong key is a bad request by its status, and must not be answered to every publisher.
  @Test func keysThatAreWrong() async {
    let reason = #"[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_INVALID"}]"#
    let body = GeminiSamples.error(400, "INVALID_ARGUMENT", message: "API key not valid", details: reason)
    #expect(await refusal(400, body) == .accountClosed(.unauthorised))
  }

  /// A request that names a file which is not there must not close the account for all others.
  @Test func filesThatAreMissing() async {
    let message = "You do not have permission to access the File abc or it may not exist."
    #expect(await refusal(403, GeminiSamples.error(403, "PERMISSION_DENIED", message: message)) == .rejected)
  }

  @Test func waitsStandInTheBody() async {
    func wait(_ delay: String, _ headers: [HTTPExchange.Header] = []) async -> Disposition {
      let details = #"[{"@type":"q"},{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"\#(delay)"}]"#
      return await refusal(429, GeminiSamples.error(429, "RESOURCE_EXHAUSTED", details: details), headers)
    }
    #expect(await wait("7s") == .rateLimited(retryAfter: .seconds(7)))
    #expect(await wait("34.074824224s") == .rateLimited(retryAfter: .milliseconds(34_075)))
    #expect(await wait("7s", [("retry-after", "3")]) == .rateLimited(retryAfter: .seconds(3)))
    #expect(await wait("99999999999999s") == .rateLimited(retryAfter: .seconds(30 * 86_400)))
    for unreadable in ["soon", "-1s", ""] {
      #expect(await wait(unreadable) == .rateLimited(retryAfter: .unreadableRetryAfter), "\(unreadable)")
    }
  }

  /// A quota of a day begins anew at midnight in California, whatever the delay beside it says.
  @Test func quotasOfADay() async {
    let details =
      #"[{"violations":[{"quotaId":"GenerateRequestsPerDayPerProjectPerModel"}]},{"retryDelay":"7s"}]"#
    let found = await refusal(429, GeminiSamples.error(429, "RESOURCE_EXHAUSTED", details: details))
    // 2026-09-21T14:13:20Z
    #expect(found == .rateLimited(retryAfter: .seconds(86_400 - (14 - 8) * 3600 - 13 * 60 - 20)))
  }

  /// What comes out is thoughts too; cached input has its own price in both ways.
  @Test func thoughtsArePriced() throws {
    let price = try #require(ModelCatalog.shipped.price(of: "gemini/gemini-3.8-flash", at: "any"))
    let usage = Usage(inputTokens: 100, cachedInputTokens: 50, outputTokens: 12)
    #expect(price.cost(of: usage, basis: .list) == PicoUSD(50 * 750_000 + 50 * 75_000 + 12 * 3_750_000))
    #expect(price.cost(of: usage, basis: .batch) == PicoUSD(50 * 375_000 + 50 * 37_500 + 12 * 1_875_000))
  }
}
