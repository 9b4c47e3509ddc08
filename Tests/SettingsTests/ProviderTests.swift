import Settings
import Testing

@Suite("Providers", .timeLimit(.minutes(4)))
struct ProviderTests {
  private let models = "\nmodels: {m: {routes: [a]}}\n"

  @Test("keys from files, one or many, without their line breaks")
  func files() throws {
    let settings = try load(
      "providers: {a: {kind: openai, api_key_file: [/one, /two]}}" + models, [:],
      files: ["/one": "sk-1\r\n", "/two": "  sk-2"])
    #expect(settings.providers[0].apiKeys.map { $0.reveal() } == ["sk-1", "sk-2"])
  }

  @Test(
    "bad keys stop the start with one line without the key",
    arguments: [
      ("{kind: openai}", "config: providers.a.api_key: missing; set it, for instance to ${A_API_KEY}, or"),
      ("{kind: openai, api_key: ${XX}}", "config: the file"),
      (
        "{kind: openai, api_key: \"${XX}\"}",
        "config: providers.a.api_key = \"${XX}\" (millrace.yaml:1): the environment variable XX"
      ),
      ("{kind: openai, api_key: \"\"}", "config: providers.a.api_key = \"***\" (millrace.yaml:1): gives an empty key"),
      (
        "{kind: openai, api_key: \"sk-secret x\"}",
        "config: providers.a.api_key = \"***\" (millrace.yaml:1): cannot be sent"
      ),
      (
        "{kind: openai, api_key: sk-secret, api_key_file: /one}",
        "config: providers.a.api_key = \"***\" (millrace.yaml:1): is set beside"
      ),
      (
        "{kind: openai, api_key_file: /none}",
        "config: providers.a.api_key_file = \"/none\" (millrace.yaml:1): cannot be read"
      ),
      (
        "{kind: openai, api_key_file: /empty}",
        "config: providers.a.api_key_file = \"/empty\" (millrace.yaml:1): gives an empty key"
      ),
      (
        "{kind: openai, api_key_file: /two}",
        "config: providers.a.api_key_file = \"/two\" (millrace.yaml:1): cannot be sent"
      ),
    ])
  func badKeys(_ provider: String, _ expected: String) {
    let lines = problems(
      "providers: {a: \(provider)}" + models, [:], files: ["/empty": "\n", "/two": "sk-secret1\nsk-secret2"])
    #expect(lines.count == 1, "\(lines)")
    #expect(lines.first?.hasPrefix(expected) == true, "\(lines)")
    #expect(!lines.joined().contains("sk-secret"))
  }

  @Test("the key of a provider that no model leads to may be missing")
  func unused() throws {
    let settings = try load(
      """
      providers:
        a: {kind: openai-compatible, endpoint: http://a}
        b: {kind: openai, api_key: "${NOT_HERE}"}
      """ + models, [:])
    #expect(settings.provider(named: "b")?.apiKeys == [])
    #expect(settings.provider(named: "a")?.apiKeys == [])
    #expect(settings.provider(named: "c") == nil)
  }

  @Test("kinds that are known and not supported are named")
  func kinds() throws {
    let yaml = "providers: {a: {kind: anthropic, api_key: sk-1}}" + models
    let error = #expect(throws: SettingsError.self) {
      try MillraceSettings.load(path: "millrace.yaml", environment: [:], supportedKinds: [.openai, .openaiCompatible]) {
        _ in
        Array(yaml.utf8)
      }
    }
    #expect(
      error?.problems.map(\.description) == [
        "config: providers.a.kind = \"anthropic\" (millrace.yaml:1): the kind anthropic is not supported by this version;"
          + " allowed: openai, openai-compatible"
      ])
    let settings = try MillraceSettings.load(
      path: "x", environment: [:], supportedKinds: Set(ProviderSettings.Kind.allCases)
    ) { _ in Array(yaml.utf8) }
    #expect(settings.providers[0].endpoint == "https://api.anthropic.com")
    #expect(settings.providers[0].apiVersion == "2023-06-01")
  }

  @Test("what a provider of the kind gemini begins with")
  func gemini() throws {
    let settings = try load(
      "providers: {a: {kind: gemini, api_key: k}, b: {kind: gemini, api_key: k, api_version: v1}}" + models, [:])
    #expect(settings.provider(named: "a")?.endpoint == "https://generativelanguage.googleapis.com")
    #expect(settings.provider(named: "a")?.apiVersion == "v1beta")
    #expect(settings.provider(named: "b")?.apiVersion == "v1")
    let lines = problems("providers: {a: {kind: gemini, api_key: k, api_version: \"v 1\"}}" + models, [:])
    #expect(lines.first?.hasPrefix("config: providers.a.api_version") == true, "\(lines)")
  }

  @Test(
    "the other keys of a provider",
    arguments: [
      ("{endpoint: http://a}", "providers.a.kind"), ("{kind: opnai, endpoint: http://a}", "providers.a.kind"),
      ("{kind: openai-compatible}", "providers.a.endpoint"),
      ("{kind: openai-compatible, endpoint: \"http://u:secret@h/v1\"}", "providers.a.endpoint"),
      ("{kind: openai-compatible, endpoint: \"http://h/v1?key=secret\"}", "providers.a.endpoint"),
      ("{kind: openai-compatible, endpoint: \"h/v1\"}", "providers.a.endpoint"),
      ("{kind: openai-compatible, endpoint: http://a, proxy: \"proxy:3128\"}", "providers.a.proxy"),
      ("{kind: openai-compatible, endpoint: http://a, api_version: \"1\"}", "providers.a.api_version"),
      ("{kind: anthropic, api_key: sk-1, api_version: \"\"}", "providers.a.api_version"),
      ("{kind: openai-compatible, endpoint: http://a, timeout: 2h}", "providers.a.timeout"),
      (
        "{kind: openai-compatible, endpoint: http://a, limits: {concurrency: unlimited}}",
        "providers.a.limits.concurrency"
      ),
      (
        "{kind: openai-compatible, endpoint: http://a, limits: {requests_per_minute: 0}}",
        "providers.a.limits.requests_per_minute"
      ),
      ("{kind: openai-compatible, endpoint: http://a, limit: {}}", "providers.a.limit"),
      ("{kind: openai-compatible, endpoint: http://a, organization: \"a\\r\\nb\"}", "providers.a.organization"),
    ])
  func others(_ provider: String, _ name: String) {
    let lines = problems("providers: {a: \(provider)}" + models, [:])
    #expect(lines.count == 1, "\(lines)")
    #expect(lines.first?.hasPrefix("config: \(name)") == true, "\(lines)")
    #expect(!lines.joined().contains("secret"))
  }

  @Test("limits may be lifted")
  func unlimited() throws {
    let settings = try load(
      "providers: {openai: {kind: openai, limits: {batch_creates_per_hour: unlimited, requests_per_minute: 500}}}")
    #expect(settings.providers[0].limits.batchCreatesPerHour == nil)
    #expect(settings.providers[0].limits.requestsPerMinute == 500)
  }

  @Test("providers without models need models")
  func modelsMissing() {
    let lines = problems("providers: {a: {kind: openai-compatible, endpoint: http://a}}", [:])
    #expect(
      lines == ["config: models: missing; the default models lead to the provider openai, which is not under providers"]
    )
  }
}
