import Settings
import Testing

@Suite("Dialects of providers", .timeLimit(.minutes(4)))
struct DialectTests {
  private let models = "\nmodels: {m: {routes: [a]}}\n"

  private func provider(_ text: String, files: [String: String] = [:]) throws -> ProviderSettings {
    try load("providers: {a: \(text)}" + models, [:], files: files).providers[0]
  }

  @Test("Azure by key, by token, by version")
  func azure() throws {
    let plain = try provider("{kind: azure, endpoint: https://r.openai.azure.com, api_key: k}")
    #expect(plain.apiVersion.isEmpty && plain.apiKeys.count == 1)
    let dated = try provider(
      "{kind: azure, endpoint: https://r.test/openai, api_version: 2025-04-01-preview, token_file: /t}",
      files: ["/t": "eyJtoken\n"])
    #expect(dated.apiVersion == "2025-04-01-preview")
    #expect(dated.tokenFile == "/t" && dated.apiKeys.isEmpty)
    let named = try provider(
      "{kind: azure, endpoint: https://r.test, api_key: k, deployments: {mini: {batch: mini-b, model: gpt-4o-mini}, x: {}}}"
    )
    #expect(named.deployments["mini"] == AzureDeployment(batch: "mini-b", model: "gpt-4o-mini"))
    #expect(named.deployments["x"] == AzureDeployment())
  }

  @Test("the token is never kept")
  func secrecy() throws {
    let settings = try load(
      "providers: {a: {kind: azure, endpoint: https://r.test, token_file: /t, deployments: {mini: {batch: b}}}}"
        + models,
      [:], files: ["/t": "eyJsecret"])
    #expect(!"\(settings)".contains("eyJsecret"))
    #expect(settings.redactedDescription.contains("token_file: \"/t\""))
    #expect(settings.redactedDescription.contains("batch: \"b\""))
  }

  @Test("deviations by name")
  func deviations() throws {
    #expect(try provider("{kind: openai-compatible, endpoint: https://h/v1, deviations: groq}").deviations == .groq)
    #expect(try provider("{kind: openai-compatible, endpoint: https://h/v1}").deviations == nil)
  }

  @Test(
    "what is wrong is said in one line",
    arguments: [
      (
        "{kind: openai-compatible, endpoint: https://h/v1, deviations: grok}",
        "config: providers.a.deviations = \"grok\" (millrace.yaml:1): not one of the choices; allowed: groq, together"
      ),
      (
        "{kind: openai, api_key: k, deviations: groq}",
        "config: providers.a.deviations = \"groq\" (millrace.yaml:1): is a key of the kind openai-compatible; remove it"
      ),
      (
        "{kind: openai, api_key: k, api_version: 2024-10-21}",
        "config: providers.a.api_version = \"2024-10-21\" (millrace.yaml:1): means nothing for the kind openai; leave it out"
      ),
      (
        "{kind: openai-compatible, endpoint: https://h/v1, deployments: {x: {batch: y}}}",
        "config: providers.a.deployments: is a key of the kind azure; remove it"
      ),
      (
        "{kind: azure, endpoint: https://r.test/openai, api_key: k}",
        "config: providers.a.api_version: missing; set it, such as to 2024-10-21, or let providers.a.endpoint end in"
      ),
      (
        "{kind: azure, endpoint: https://r.test/openai/v1, api_key: k, api_version: 2024-10-21}",
        "config: providers.a.api_version = \"2024-10-21\" (millrace.yaml:1): the path /openai/v1 of providers.a.endpoint"
      ),
      (
        "{kind: azure, endpoint: https://r.test, api_key: k, api_version: latest}",
        "config: providers.a.api_version = \"latest\" (millrace.yaml:1): not a version; allowed: a date such as 2024-10-21"
      ),
      (
        "{kind: azure, api_key: k}",
        "config: providers.a.endpoint: missing; set the resource's address, such as https://"
      ),
      ("{kind: azure, endpoint: https://r.test}", "config: providers.a.api_key: missing; set it"),
      (
        "{kind: azure, endpoint: https://r.test, api_key: k, token_file: /t}",
        "config: providers.a.token_file = \"/t\" (millrace.yaml:1): is set beside a key; set one of them"
      ),
      (
        "{kind: azure, endpoint: https://r.test, token_file: /none}",
        "config: providers.a.token_file = \"/none\" (millrace.yaml:1): cannot be read"
      ),
      (
        "{kind: azure, endpoint: https://r.test, token_file: /empty}",
        "config: providers.a.token_file = \"/empty\" (millrace.yaml:1): holds no token"
      ),
      (
        "{kind: azure, endpoint: https://r.test, token_file: /two}",
        "config: providers.a.token_file = \"/two\" (millrace.yaml:1): holds something that cannot be sent in a header"
      ),
      (
        "{kind: azure, endpoint: https://r.test, api_key: k, deployments: {mini: {batsh: b}}}",
        "config: providers.a.deployments.mini.batsh (millrace.yaml:1): unknown key; did you mean batch?"
      ),
    ])
  func problem(_ text: String, _ expected: String) {
    let lines = problems(
      "providers: {a: \(text)}" + models, [:], files: ["/t": "eyJsecret", "/empty": "\n", "/two": "eyJsecret x"])
    #expect(lines.count == 1, "\(lines)")
    #expect(lines.first?.hasPrefix(expected) == true, "\(lines)")
    #expect(!lines.joined().contains("eyJsecret"))
  }
}
