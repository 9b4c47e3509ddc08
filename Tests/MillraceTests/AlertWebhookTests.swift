import Logging
import Metrics
import ServiceLifecycle
import Settings
import Synchronization
import Testing
import Worker

@testable import Millrace

@Suite("Alerts by webhook", .timeLimit(.minutes(4)))
struct AlertWebhookTests {
  private let secret = "T0PSECRET-path-token"

  private func settings(_ port: Int) -> ExecutionSettings {
    var execution = ExecutionSettings()
    execution.enableWebhooks = true
    execution.webhookURL = ConnectionURL("http://127.0.0.1:\(port)/hooks/\(secret)?key=\(secret)")
    return execution
  }

  /// Runs the webhook while `body` does.
  private func run(
    _ webhook: AlertWebhook, _ body: (Alerts) async throws -> Void
  ) async throws {
    let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    let group = ServiceGroup(configuration: ServiceGroupConfiguration(services: [webhook], logger: quiet))
    let alerts = Alerts(logger: quiet, metrics: WorkerMetrics(factory: NOOPMetricsHandler.instance)) {
      webhook.send($0)
    }
    try await withThrowingTaskGroup(of: Void.self) { tasks in
      tasks.addTask { try await group.run() }
      try await body(alerts)
      await group.triggerGracefulShutdown()
      try await tasks.waitForAll()
    }
  }

  private func until(_ what: String, _ condition: () -> Bool) async throws {
    let clock = ContinuousClock()
    let deadline = clock.now + .seconds(20)
    while !condition() {
      guard clock.now < deadline else { throw Late(what: what) }
      try await Task.sleep(for: .milliseconds(5))
    }
  }

  private struct Late: Error {
    var what: String
  }

  private let kind = Alerts.Kind.breakerOpen(provider: "openai", model: "gpt-4o-mini")

  @Test("one POST for each alert, and one when it is over")
  func onePostEach() async throws {
    try await AlertReceiver.run { receiver, port in
      let webhook = try #require(AlertWebhook(settings(port), logger: LogLines().logger))
      try await run(webhook) { alerts in
        // Said twice, and once more after it is over.
        alerts.raise(kind, "calls are suspended")
        alerts.raise(kind, "calls are suspended")
        alerts.clear(kind)
        alerts.clear(kind)
        alerts.raise(.retryAfter(provider: "openai"), "a long pause")
        try await until("three posts") { receiver.posts.count >= 3 }
      }
      // Everything that was sent has arrived when the service has ended.
      #expect(
        receiver.posts.map(\.body) == [
          body("alert.raised", "breaker_open", "calls are suspended"),
          body("alert.cleared", "breaker_open", "calls are suspended"),
          body("alert.raised", "retry_after", "a long pause"),
        ])
      #expect(receiver.posts.allSatisfy { $0.method == "POST" && $0.target == "/hooks/\(secret)?key=\(secret)" })
      #expect(receiver.posts.allSatisfy { $0.headers.lowercased().contains("content-type: application/json") })
    }
  }

  private func body(_ type: String, _ alert: String, _ text: String) -> String {
    #"{"type":"\#(type)","alert":"\#(alert)","text":"\#(text)","instance":"\#(MillraceVersion.instance)"}"#
  }

  @Test("tries again, in order, and no longer than it was taken")
  func triesAgain() async throws {
    try await AlertReceiver.run(statuses: [503, 500]) { receiver, port in
      let log = LogLines()
      let pauses = Mutex<[Int]>([])
      let webhook = try #require(
        AlertWebhook(settings(port), logger: log.logger) { attempt in
          pauses.withLock { $0.append(attempt) }
          return .zero
        })
      try await run(webhook) { alerts in
        alerts.raise(kind, "first")
        alerts.raise(.retryAfter(provider: "openai"), "second")
        try await until("four posts") { receiver.posts.count >= 4 }
      }
      #expect(receiver.posts.map { $0.body.contains("first") } == [true, true, true, false])
      #expect(pauses.withLock { $0 } == [1, 2])
      #expect(log.all.isEmpty)
    }
  }

  @Test("gives one up after its tries, says so without its address, and goes on with the next")
  func givesUp() async throws {
    try await AlertReceiver.run(statuses: Array(repeating: 500, count: AlertWebhook.tries)) { receiver, port in
      let log = LogLines()
      let webhook = try #require(AlertWebhook(settings(port), logger: log.logger) { _ in .zero })
      try await run(webhook) { alerts in
        alerts.raise(kind, "first")
        alerts.raise(.retryAfter(provider: "openai"), "second")
        try await until("the second") { receiver.posts.contains { $0.body.contains("second") } }
      }
      #expect(receiver.posts.count == AlertWebhook.tries + 1)
      #expect(log.all.count == 1 && log.all.allSatisfy { $0.contains("breaker_open") && $0.contains("500") })
      noSecret(in: log, receiver)
    }
  }

  @Test("nobody listens: said once, without its address")
  func nobodyListens() async throws {
    // A port that was free a moment ago.
    let free = Mutex(0)
    try await AlertReceiver.run { _, port in free.withLock { $0 = port } }
    let log = LogLines()
    let webhook = try #require(AlertWebhook(settings(free.withLock { $0 }), logger: log.logger) { _ in .zero })
    try await run(webhook) { alerts in
      alerts.raise(kind, "first")
      try await until("the warning") { !log.all.isEmpty }
    }
    #expect(log.all.count == 1)
    noSecret(in: log)
  }

  private func noSecret(in log: LogLines, _ receiver: AlertReceiver? = nil) {
    #expect(!log.all.contains { $0.contains(secret) })
    // The address is the receiver's own; what is sent besides tells it nothing that is secret.
    let sent = (receiver?.posts ?? []).map { $0.headers + $0.body }
    #expect(!sent.contains { $0.contains(secret) || $0.lowercased().contains("authorization") })
  }

  @Test("there is none unless it is enabled and has an address")
  func onlyWhereEnabled() {
    var execution = settings(1)
    execution.enableWebhooks = false
    #expect(AlertWebhook(execution, logger: LogLines().logger) == nil)
    execution.enableWebhooks = true
    execution.webhookURL = ConnectionURL("")
    #expect(AlertWebhook(execution, logger: LogLines().logger) == nil)
  }
}
