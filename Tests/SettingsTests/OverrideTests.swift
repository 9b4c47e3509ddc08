import Settings
import Testing

@Suite("Environment", .timeLimit(.minutes(4)))
struct OverrideTests {
  @Test("a variable wins over the file")
  func scalar() throws {
    var environment = key
    environment["MILLRACE_BATCHING_DEFERRED_IDLE_MS"] = "1234"
    environment["MILLRACE_EXECUTION_CIRCUIT_BREAKER_FAILURE_RATIO"] = "0.9"
    environment["MILLRACE_AMQP_TLS_VERIFY"] = "false"
    environment["MILLRACE_ADMIN_HEALTH_LISTEN"] = "[::]:80"
    let settings = try load("batching: {deferred: {idle_ms: 7}}", environment)
    #expect(settings.batching.deferred.idle == .milliseconds(1234))
    #expect(settings.execution.circuitBreaker.failureRatio == 0.9)
    #expect(!settings.amqp.tls.verify)
    #expect(settings.admin.healthListen == ListenAddress(host: "::", port: 80))
  }

  @Test("names of providers and models are part of variables; commas part lists")
  func names() throws {
    let environment = [
      "MILLRACE_PROVIDERS_OPENAI_ENDPOINT": "http://127.0.0.1:9999/v1",
      "MILLRACE_PROVIDERS_OPENAI_API_KEY": "sk-1, sk-2",
      "MILLRACE_MODELS_GPT_4O_MINI_ROUTES": "openai:mini,openai",
      "MILLRACE_AMQP_URL": "amqp://a,amqp://b",
    ]
    let settings = try load(nil, environment)
    #expect(settings.providers[0].endpoint == "http://127.0.0.1:9999/v1")
    #expect(settings.providers[0].apiKeys.map { $0.reveal() } == ["sk-1", "sk-2"])
    #expect(settings.route(for: "gpt-4o-mini").map(\.model) == ["mini", "gpt-4o-mini"])
    #expect(settings.amqp.urls.map { $0.reveal() } == ["amqp://a", "amqp://b"])
  }

  @Test("a key by environment replaces a key file of the file, and the other way round")
  func otherForm() throws {
    let file = "providers: {openai: {kind: openai, api_key_file: /nowhere}}"
    let settings = try load(file, ["MILLRACE_PROVIDERS_OPENAI_API_KEY": "sk-env"])
    #expect(settings.providers[0].apiKeys.map { $0.reveal() } == ["sk-env"])
    let inline = "providers: {openai: {kind: openai, api_key: sk-file}}"
    let other = try load(inline, ["MILLRACE_PROVIDERS_OPENAI_API_KEY_FILE": "/k"], files: ["/k": "sk-k\n"])
    #expect(other.providers[0].apiKeys.map { $0.reveal() } == ["sk-k"])
  }

  @Test("a malformed override is an error that names variable and value, and does not fall back")
  func malformed() {
    var environment = key
    environment["MILLRACE_BATCHING_DEFERRED_IDLE_MS"] = "abc"
    #expect(
      problems("batching: {deferred: {idle_ms: 7}}", environment) == [
        "config: batching.deferred.idle_ms = \"abc\" (environment MILLRACE_BATCHING_DEFERRED_IDLE_MS):"
          + " not a whole number of milliseconds; allowed: 0 to 86400000"
      ])
  }

  @Test("an unknown variable is an error that suggests the nearest, without its value")
  func unknown() {
    var environment = key
    environment["MILLRACE_BATCHING_DEFERED_IDLE_MS"] = "sk-oops"
    environment["MILLRACE_ZZZ"] = "sk-oops"
    #expect(
      problems(nil, environment) == [
        "config: MILLRACE_BATCHING_DEFERED_IDLE_MS (environment MILLRACE_BATCHING_DEFERED_IDLE_MS):"
          + " stands for no key; did you mean MILLRACE_BATCHING_DEFERRED_IDLE_MS?",
        "config: MILLRACE_ZZZ (environment MILLRACE_ZZZ): stands for no key",
      ])
  }

  @Test("variables that the file refers to, and those of Kubernetes, are no overrides")
  func notOverrides() throws {
    var environment = key
    environment["MILLRACE_DB"] = "p"
    environment["MILLRACE_SERVICE_HOST"] = "10.0.0.1"
    environment["MILLRACE_SERVICE_PORT_ADMIN"] = "9464"
    environment["MILLRACE_PORT"] = "tcp://10.0.0.1:9464"
    environment["MILLRACE_PORT_9464_TCP"] = "tcp://10.0.0.1:9464"
    environment["MILLRACE_PORT_9464_TCP_PROTO"] = "tcp"
    environment["MILLRACE_ADMIN_SERVICE_HOST"] = "10.0.0.1"
    let settings = try load("ledger: {url: \"postgres://m:${MILLRACE_DB}@db/m\"}", environment)
    #expect(settings.ledger.engine == .postgres(ConnectionURL("postgres://m:p@db/m")))
    environment["MILLRACE_PORT"] = "9464"
    #expect(problems(nil, environment).contains { $0.contains("MILLRACE_PORT (") })
  }

  @Test("a variable that stands for two keys is refused")
  func ambiguous() {
    let file = "models: {gpt-4o: {routes: [openai]}, gpt.4o: {routes: [openai]}}"
    var environment = key
    environment["MILLRACE_MODELS_GPT_4O_ROUTES"] = "openai"
    #expect(problems(file, environment).contains { $0.contains("models.gpt-4o.routes and models.gpt.4o.routes") })
  }
}
