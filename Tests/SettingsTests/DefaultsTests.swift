import Settings
import Testing

@Suite("Defaults", .timeLimit(.minutes(4)))
struct DefaultsTests {
  @Test("without a file the defaults serve")
  func noFile() throws {
    let settings = try load(nil)
    #expect(settings.amqp.urls.map { $0.reveal() } == ["amqp://guest:guest@127.0.0.1:5672/%2f"])
    #expect(settings.amqp.prefetch.deferred == 2000)
    #expect(settings.providers.map(\.name) == ["openai"])
    #expect(settings.providers[0].apiKeys.map { $0.reveal() } == ["sk-test-0001"])
    #expect(settings.providers[0].limits.requestsPerMinute == nil)
    #expect(settings.providers[0].limits.batchCreatesPerHour == 2000)
    #expect(settings.batching.deferred.idle == .seconds(30))
    #expect(settings.execution.drainTimeout == .seconds(25))
    #expect(settings.execution.createTimeout == .seconds(15))
    #expect(settings.ledger.lease == .seconds(30))
    #expect(settings.admin.listen == ListenAddress(host: "127.0.0.1", port: 9464))
    #expect(settings.admin.healthListen == nil)
    #expect(settings.route(for: "gpt-4o-mini") == [Route(provider: "openai", model: "gpt-4o-mini")])
    #expect(settings.models.entry(for: "text-embedding-3-small")?.mode == .embedding)
  }

  @Test("the initial values of the structs are the defaults of the reader")
  func structs() throws {
    var expected = MillraceSettings()
    expected.providers[0].apiKeys = [Secret("sk-test-0001")]
    #expect(try load(nil) == expected)
    #expect(try load("") == expected)
    #expect(try load("amqp:\nproviders: ~\n") == expected)
  }

  @Test(
    "money is written in dollars", arguments: [("0", 0), ("0.25", 250_000_000_000), ("12.000001", 12_000_001_000_000)])
  func dollars(text: String, value: Int64) throws {
    let settings = try load("rescue: {max_double_spend: \(text)}")
    #expect(settings.rescue.maxDoubleSpend == value)
    #expect(settings.redactedDescription.contains("max_double_spend: \(text)\n"))
  }

  @Test("the documented file says what the defaults are")
  func documented() throws {
    #expect(try load(MillraceSettings.documentedDefaults) == load(nil))
  }

  @Test("the documented file names every key")
  func complete() throws {
    // What is in force names every key; each has to stand in the documented file too.
    let names = try load(nil).redactedDescription.split(separator: "\n").compactMap { line in
      line.split(separator: ":").first?.drop { $0 == " " || $0 == "\"" }
    }
    #expect(names.count > 90)
    let missing = names.filter { !MillraceSettings.documentedDefaults.contains("\($0.prefix { $0 != "\"" })") }
    #expect(missing.isEmpty)
  }

  @Test("the defaults refer to variables")
  func variables() throws {
    let environment = [
      "AMQP_URL": "amqp://u:p@rabbit:5672/v", "OPENAI_API_KEY": "sk-1", "BATCH_WEBHOOK_URL": "https://hooks/x",
      "OTEL_EXPORTER_OTLP_ENDPOINT": "http://otel:4318", "MILLRACE_HEALTH_LISTEN": "0.0.0.0:9465",
      "MILLRACE_ADMIN_TOKEN": "open-sesame", "MILLRACE_TEST_X": "1", "MILLRACE_FAILPOINTS": "1",
    ]
    let settings = try load(nil, environment)
    #expect(settings.amqp.urls.map { $0.reveal() } == ["amqp://u:p@rabbit:5672/v"])
    #expect(settings.execution.webhookURL.reveal() == "https://hooks/x")
    #expect(settings.observability.otlpEndpoint.reveal() == "http://otel:4318")
    #expect(settings.admin.healthListen == ListenAddress(host: "0.0.0.0", port: 9465))
    #expect(settings.admin.token.reveal() == "open-sesame")
    #expect(Set(settings.secrets) == ["sk-1", "open-sesame", "p"])
  }

  @Test("MILLRACE_CONFIG names the file where no path is given")
  func configVariable() throws {
    let settings = try MillraceSettings.load(
      path: nil, environment: ["MILLRACE_CONFIG": "/etc/m.yaml", "OPENAI_API_KEY": "sk-1"]
    ) { path in
      #expect(path == "/etc/m.yaml")
      return Array("execution: {max_attempts: 9}".utf8)
    }
    #expect(settings.execution.maxAttempts == 9)
  }

  @Test("what is in force reads back as the same settings")
  func redactedReadsBack() throws {
    let first = try load(
      """
      providers:
        local: {kind: openai-compatible, endpoint: "http://vllm:8000/v1/", project: "a$b\\"c"}
        openai: {kind: openai, api_key: [sk-a, sk-b]}
      models:
        "llama*": {routes: ["local:meta"], mode: responses}
        gpt-4o: {routes: [openai, local]}
      execution: {settle_grace: 90s, circuit_breaker: {failure_ratio: 0.25}}
      """)
    var second = try load(first.redactedDescription)
    #expect(second.amqp.urls.map(\.redacted) == ["amqp://guest:***@127.0.0.1:5672/%2f"])
    #expect(second.providers[1].apiKeys.map { $0.reveal() } == ["***", "***"])
    second.amqp.urls = first.amqp.urls
    second.providers[1].apiKeys = first.providers[1].apiKeys
    #expect(second == first)
    #expect(first.providers.map(\.name) == ["local", "openai"])
    #expect(first.providers[0].endpoint == "http://vllm:8000/v1")
    #expect(first.providers[0].limits == ProviderSettings.Limits())
  }
}
