import BatchCore
import CoreMetrics
import Glibc
import Ledger
import LedgerSQLite
import Logging
import ServiceLifecycle
import TestSupport
import Threading
import Wire

@testable import Worker

/// The whole worker on a ledger of its own, between fakes, with time that the test holds.
final class Pipeline {
  let clock: TestClock
  let sink = FakeReplySink()
  /// Another one takes its place with the next start.
  var provider: ScriptedProvider
  /// The second route of every model.
  var fallback: ScriptedProvider?
  let health = HealthBoard()
  private(set) var interactive = FakeDeliverySource(lane: .interactive)
  private(set) var deferred = FakeDeliverySource(lane: .deferred)
  private(set) var ledger: InterceptedLedger
  /// The most input that the model takes.
  var contextTokens: Int64?
  var price = Pipeline.price
  var configuration = WorkerConfiguration()
  var pace = PaceLimits(concurrency: 16)
  var background: (any TaskExecutor)?
  /// Of the latest start.
  private(set) var worker: Worker?
  /// What a webhook would be sent.
  let alerted = Locked([Alerts.Alert]())

  private let open: () throws -> any LedgerStore
  private var running: Running?

  private struct Running {
    var task: Task<Void, Never>
    var group: ServiceGroup
    var hasEnded: Locked<Bool>
  }

  init(
    _ provider: ScriptedProvider, clock: TestClock = TestClock(), open: @escaping () throws -> any LedgerStore
  ) throws {
    self.provider = provider
    self.clock = clock
    self.open = open
    ledger = InterceptedLedger(try open())
    // Virtual time runs fast: nothing but what a test is about may depend on it.
    configuration.interactiveHold = .seconds(86_400)
    configuration.backoffBase = .seconds(2)
    // Files that are deleted are the fence of a create, in tests that count them.
    configuration.deletesFiles = false
  }

  /// Runs the test against a started worker, and checks afterwards that the provider has nothing to complain about.
  static func run(
    _ provider: ScriptedProvider = ScriptedProvider(), clock: TestClock = TestClock(),
    configure: (Pipeline) -> Void = { _ in }, _ test: (Pipeline) async throws -> Void
  ) async throws {
    let file = try LedgerFolder()
    let pipeline = try Pipeline(provider, clock: clock) { try SQLiteLedger(path: file.path) }
    configure(pipeline)
    pipeline.start()
    let result: Result<Void, any Error>
    do {
      try await test(pipeline)
      result = .success(())
    } catch {
      result = .failure(error)
    }
    let ended: Result<Void, any Error>
    do {
      ended = .success(try await pipeline.end(provider))
    } catch {
      ended = .failure(error)
    }
    file.remove()
    try result.get()
    try ended.get()
    if !provider.complaints.isEmpty { throw TestTimeout("the provider complains: \(provider.complaints)") }
  }

  // MARK: The worker's life

  func start() {
    var routes: [String: [Route]] = [:]
    let providers = [provider] + [fallback].compactMap { $0 }
    for model in ["gpt-4o-mini", "gpt-4o"] { routes[model] = providers.map { Route(provider: $0.name, model: model) } }
    let decoder = RequestDecoder(options: DecodingOptions(modelMode: { _ in nil }, isKnownModel: { _ in true }))
    let worker = Worker(
      ports: Worker.Ports(
        sources: [interactive, deferred], sink: sink, providers: providers, ledger: ledger,
        tokens: ByteRatioCounter(),
        models: ModelCatalog(["gpt-4o-mini": ModelFacts(contextTokens: contextTokens, price: price)]), time: clock,
        background: background, routes: { [routes] in routes[$0] ?? [] }),
      configuration: configuration, decoder: decoder,
      paces: Dictionary(uniqueKeysWithValues: providers.map { ($0.name, pace) }), health: health,
      metrics: WorkerMetrics(factory: NOOPMetricsHandler.instance),
      alerts: Alerts(
        logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
        metrics: WorkerMetrics(factory: NOOPMetricsHandler.instance),
        deliver: { [alerted] alert in alerted.withLock { $0.append(alert) } }),
      logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    self.worker = worker
    let hasEnded = Locked(false)
    let group = ServiceGroup(
      services: [WorkerService(worker: worker)], logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    // Unstructured: it runs beside the test, which ends it.
    let task = Task {
      // How a group ends says nothing here.
      try? await group.run()
      hasEnded.withLock { $0 = true }
    }
    running = Running(task: task, group: group, hasEnded: hasEnded)
  }

  private struct WorkerService: Service {
    var worker: Worker

    func run() async throws { await worker.run() }
  }

  static let price = ModelPrice(
    input: 100, cachedInput: 50, output: 400, batchInput: 50, batchCachedInput: 25, batchOutput: 200)

  /// Ends the worker at once, wherever it is; what the broker held is with the broker again.
  func kill() async throws {
    guard let running else { return }
    self.running = nil
    running.task.cancel()
    try await eventually("the cancelled worker to end; \(diagnosis)") { running.hasEnded.withLock { $0 } }
  }

  /// Ends it for good, with its ledger.
  func end(_ first: ScriptedProvider) async throws {
    // Nothing that a failed test left shut may keep the worker from ending.
    ledger.openGates()
    sink.gate.open()
    for provider in [first, provider] {
      for gate in [provider.callGate, provider.uploadGate, provider.createGate] { gate.open() }
    }
    let ended: Result<Void, any Error>
    do {
      ended = .success(try await kill())
    } catch {
      ended = .failure(error)
    }
    await ledger.close()
    try ended.get()
  }

  /// A process that dies, and another on the same ledger and the same queues.
  func restart() async throws {
    try await kill()
    await ledger.close()
    ledger = InterceptedLedger(try open())
    revive()
  }

  /// Starts it again on the open ledger and the same queues, after `kill`.
  func revive() {
    interactive = interactive.successor()
    deferred = deferred.successor()
    start()
  }

  /// Tells it to drain, and returns how long that took.
  func drain(meanwhile: () -> Void = {}) async throws -> Duration {
    guard let running else { return .zero }
    let begin = clock.monotonic()
    await running.group.triggerGracefulShutdown()
    meanwhile()
    // It may take so little time that a busy machine must not be taken for an idle one.
    try await until("the worker to drain", patience: 50) { running.hasEnded.withLock { $0 } }
    self.running = nil
    return clock.monotonic() - begin
  }

  // MARK: Waiting

  /// Lets time run, from one sleeper to the next, until the condition holds. Time stands still while work is going on.
  ///
  /// - Parameter patience: for how many milliseconds the ledger must be idle until the rest counts as idle too.
  func until(_ what: String, patience: Int = 3, _ condition: () async throws -> Bool) async throws {
    var quiet = 0
    var calls = ledger.calls
    try await eventually("\(what); \(diagnosis)") {
      if try await condition() { return true }
      quiet = ledger.inFlight == 0 && ledger.calls == calls ? quiet + 1 : 0
      calls = ledger.calls
      if quiet >= patience {
        quiet = 0
        clock.advanceToNext()
      }
      return false
    }
  }

  /// Waits, with time standing still, until nothing has happened for a while.
  func quiet() async throws {
    var quiet = 0
    var calls = ledger.calls
    try await eventually("quiet; \(diagnosis)") {
      quiet = ledger.inFlight == 0 && ledger.calls == calls ? quiet + 1 : 0
      calls = ledger.calls
      return quiet >= 20
    }
  }

  var diagnosis: String {
    """
    replies \(sink.published.count) (\(sink.confirmed.count) confirmed), batches \(provider.created.map(\.count)), \
    polls \(provider.count(.retrieve)), calls \(provider.calls.count), unsettled \(interactive.unsettled.count) + \
    \(deferred.unsettled.count), ledger calls \(ledger.calls) (\(ledger.inFlight) in flight), sleeps \(clock.sleeps), \
    health \(health.current)
    """
  }

  // MARK: Short forms

  func push(_ messages: Message..., to lane: Lane = .deferred) { push(messages, to: lane) }

  func push(_ messages: [Message], to lane: Lane = .deferred) {
    (lane == .interactive ? interactive : deferred).push(messages.map(\.delivery))
  }

  /// Confirmed replies, dead letters left out.
  func replies() throws -> [Reply] {
    try sink.confirmed.filter { $0.properties.type == Array("llm.result".utf8) }.map { try Reply($0) }
  }

  var deadLetters: [OutboundMessage] { sink.confirmed(to: configuration.names.deadLetterExchange) }

  func untilReplies(_ count: Int) async throws -> [Reply] {
    try await until("\(count) replies") { try replies().count >= count }
    return try replies()
  }

  /// Until everything that the broker delivered is settled.
  func untilSettled() async throws {
    try await until("all deliveries to be settled") { interactive.unsettled.isEmpty && deferred.unsettled.isEmpty }
  }
}
