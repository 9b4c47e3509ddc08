import Settings
import Testing

@Suite("Problems", .timeLimit(.minutes(4)))
struct ProblemTests {
  @Test("every problem is reported at once, in the order of the file")
  func collected() {
    let lines = problems(
      """
      amqp:
        prefetch: {interactive: 0, deferred: 70000}
        urls: x
      batching:
        deferred:
          idle_ms: abc
          idle_sm: 1
      execution:
        circuit_breaker: {failure_ratio: 1.5}
        drain_timeout: 25
      observability: {log_level: inof}
      surprise: 1
      """, [:])
    let expected = [
      "config: amqp.prefetch.interactive = \"0\" (millrace.yaml:2): out of range; allowed: 1 to 65535",
      "config: amqp.prefetch.deferred = \"70000\" (millrace.yaml:2): out of range; allowed: 1 to 65535",
      "config: amqp.urls (millrace.yaml:3): unknown key; did you mean url?",
      "config: batching.deferred.idle_ms = \"abc\" (millrace.yaml:6): not a whole number of milliseconds; allowed: 0 to"
        + " 86400000",
      "config: batching.deferred.idle_sm (millrace.yaml:7): unknown key; did you mean idle_ms?",
      "config: execution.circuit_breaker.failure_ratio = \"1.5\" (millrace.yaml:9): not a ratio; allowed: above 0, up to 1",
      "config: execution.drain_timeout = \"25\" (millrace.yaml:10): not a duration such as 250ms, 30s, 10m, 1h or 31d;"
        + " allowed: 1s to 1h",
      "config: observability.log_level = \"inof\" (millrace.yaml:11): not one of the choices; allowed: trace, debug, info,"
        + " notice, warning, error, critical; did you mean info?",
      "config: surprise (millrace.yaml:12): unknown key; allowed here: amqp, ledger, tenancy, providers, models, prices, budgets,"
        + " batching,"
        + " execution, rescue, dead_letter, observability, admin",
      "config: providers.openai.api_key = \"${OPENAI_API_KEY}\" (default): the environment variable OPENAI_API_KEY is not"
        + " set; set it, or write the key to a file and name that file in providers.openai.api_key_file or"
        + " MILLRACE_PROVIDERS_OPENAI_API_KEY_FILE",
    ]
    #expect(lines == expected)
  }

  @Test("a key in the wrong place leads to the right one")
  func misplaced() {
    #expect(problems("idle_ms: 3")[0].hasSuffix("unknown key; did you mean batching.interactive.idle_ms?"))
  }

  @Test(
    "each of these is one problem about that key",
    arguments: [
      ("amqp: {url: \"http://x\"}", "amqp.url"), ("amqp: {url: \"amqp://\"}", "amqp.url"),
      ("amqp: {url: []}", "amqp.url"),
      ("amqp: {url: [\"amqp://a\", \"amqps://b\"]}", "amqp.url"), ("amqp: {url: {a: b}}", "amqp.url"),
      ("amqp: {tls: {cert_file: /c}}", "amqp.tls.cert_file"), ("amqp: {tls: {verify: maybe}}", "amqp.tls.verify"),
      ("amqp: {heartbeat: 0}", "amqp.heartbeat"), ("amqp: {delivery_limit: 1}", "amqp.delivery_limit"),
      ("amqp: {max_message_bytes: 1GiB}", "amqp.max_message_bytes"),
      ("amqp: {max_unacked_bytes: 1MiB}", "amqp.max_unacked_bytes"), ("amqp: {queue_type: stream}", "amqp.queue_type"),
      ("amqp: {deferred_queue: llm.requests.interactive}", "amqp.deferred_queue"),
      ("amqp: {results_exchange: amq.topic}", "amqp.results_exchange"),
      ("amqp: {other_exchange: \"\"}", "amqp.other_exchange"),
      ("rescue: {max_double_spend: -1}", "rescue.max_double_spend"),
      ("rescue: {max_double_spend: 1e3}", "rescue.max_double_spend"),
      ("rescue: {max_double_spend: 1000001}", "rescue.max_double_spend"),
      ("rescue: {assumed_cancel: 0s}", "rescue.assumed_cancel"), ("rescue: {buffer: 1w}", "rescue.buffer"),
      ("amqp: 5", "amqp"), ("amqp: {prefetch: [1]}", "amqp.prefetch"),
      ("ledger: {url: ledger.sqlite}", "ledger.url"), ("ledger: {url: \"sqlite:///\"}", "ledger.url"),
      ("ledger: {body_retention: 60d}", "ledger.body_retention"), ("ledger: {retention: 1}", "ledger.retention"),
      ("ledger: {lease: 1s}", "ledger.lease"), ("ledger: {lease: 11m}", "ledger.lease"),
      ("ledger: {lease: 30}", "ledger.lease"), ("execution: {create_timeout: 0s}", "execution.create_timeout"),
      ("tenancy: {source: user}", "tenancy.source"), ("tenancy: {weights: 3}", "tenancy.weights"),
      ("tenancy: {weights: {acme: 0}}", "tenancy.weights.acme"),
      ("tenancy: {weights: {acme: 1001}}", "tenancy.weights.acme"),
      ("tenancy: {weights: {acme: much}}", "tenancy.weights.acme"),
      ("batching: {interactive: {idle_ms: 60}}", "batching.interactive.max_age_ms"),
      ("batching: {deferred: {max_requests_per_batch: 0}}", "batching.deferred.max_requests_per_batch"),
      ("batching: {token_estimator: guess}", "batching.token_estimator"),
      ("execution: {worker_concurrency: 0}", "execution.worker_concurrency"),
      ("execution: {max_attempts: [1, 2]}", "execution.max_attempts"),
      ("execution: {webhook_url: \"ftp://x\"}", "execution.webhook_url"),
      ("execution: {circuit_breaker: {failure_ratio: nan}}", "execution.circuit_breaker.failure_ratio"),
      ("observability: {metrics_prefix: 9x}", "observability.metrics_prefix"),
      ("observability: {trace_id_header: \"a b\"}", "observability.trace_id_header"),
      ("admin: {listen: 0.0.0.0:9464}", "admin.listen"), ("admin: {listen: \"\"}", "admin.listen"),
      ("admin: {listen: \"127.0.0.1:99999\"}", "admin.listen"), ("admin: {listen: \"::1:80\"}", "admin.listen"),
      ("admin: {health_listen: 127.0.0.1:9464}", "admin.health_listen"),
      ("admin: {health_listen: here}", "admin.health_listen"),
      ("models: {m: {routes: [opnai]}}", "models.m.routes"), ("models: {m: {routes: []}}", "models.m.routes"),
      ("models: {m: {}}", "models.m.routes"), ("models: {m: {routes: [openai], mode: audio}}", "models.m.mode"),
      ("models: {m: {routes: [\":x\"]}}", "models.m.routes"),
      ("execution: {max_attempts: ${NOPE}}", "the file"),
      ("execution: {max_attempts: \"${NOPE}\"}", "execution.max_attempts"),
      ("a: [", "the file"), ("a: 1\na: 2", "the file"), ("--- {}\n--- {}", "the file"), ("- a", "the file"),
    ])
  func single(_ yaml: String, _ name: String) {
    let lines = problems(yaml)
    #expect(lines.count == 1, "\(lines)")
    #expect(
      lines.first?.hasPrefix("config: \(name) ") == true || lines.first?.hasPrefix("config: \(name):") == true,
      "\(lines)")
  }

  @Test("a create has to fit into half of a lease where the ledger is shared")
  func createTimeout() throws {
    let shared = "url: \"postgres://m:p@db/m\""
    #expect(try load("ledger: {\(shared)}").execution.createTimeout == .seconds(15))
    #expect(try load("ledger: {\(shared), lease: 2s}\nexecution: {create_timeout: 1s}").ledger.lease == .seconds(2))
    #expect(try load("ledger: {lease: 5s}").execution.createTimeout == .seconds(15))
    #expect(
      problems("ledger: {\(shared), lease: 20s}\nexecution: {create_timeout: 10001ms}") == [
        "config: execution.create_timeout = \"10001ms\" (millrace.yaml:2): longer than half of ledger.lease, which is 20s;"
          + " allowed with a postgres:// ledger: up to 10s"
      ])
    // Also where only the other of the two was set.
    let lines = problems("ledger: {\(shared), lease: 29s}")
    #expect(lines.count == 1)
    #expect(lines.first?.contains("execution.create_timeout") == true)
    #expect(lines.first?.contains("ledger.lease, which is 29s") == true)
  }

  @Test("an admin listener for others is allowed with a token")
  func token() throws {
    let settings = try load("admin: {listen: 0.0.0.0:9464, token: abc}")
    #expect(settings.admin.listen.port == 9464)
  }

  @Test("a file that is not there or is no text")
  func file() {
    #expect(throws: SettingsError.self) { try MillraceSettings.load(path: "/nonexistent/m.yaml", environment: key) }
    do {
      _ = try MillraceSettings.load(path: "m.yaml", environment: key) { _ in [0xFF, 0xFE, 0xFF] }
      Issue.record("accepted")
    } catch {
      #expect(error.description == "config: the file (m.yaml): is not UTF-8 text")
    }
  }
}
