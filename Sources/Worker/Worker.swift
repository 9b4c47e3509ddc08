public import BatchCore
public import Ledger
public import Logging
import ServiceLifecycle
import Threading
public import Wire

/// The pipeline: deliveries in, batches and calls out, replies back. `run` returns when it is drained.
public struct Worker: Sendable {
  /// What the worker is connected to.
  public struct Ports: Sendable {
    public var sources: [any DeliverySource]
    public var sink: any ReplySink
    /// Where urgent replies go, so that they don't wait behind others on their way to the broker.
    public var urgentSink: any ReplySink
    public var providers: [any Provider]
    public var ledger: any LedgerStore
    public var tokens: any TokenCounting
    public var models: ModelCatalog
    public var time: any Timekeeper
    /// Where work runs that has time; nil where it runs where all does.
    public var background: (any TaskExecutor)?
    /// Routes of a model, best first; empty for an unknown one.
    public var routes: @Sendable (String) -> [Route]

    public init(
      sources: [any DeliverySource], sink: any ReplySink, urgentSink: (any ReplySink)? = nil, providers: [any Provider],
      ledger: any LedgerStore,
      tokens: any TokenCounting, models: ModelCatalog, time: any Timekeeper,
      background: (any TaskExecutor)? = nil, routes: @escaping @Sendable (String) -> [Route]
    ) {
      self.sources = sources
      self.sink = sink
      self.urgentSink = urgentSink ?? sink
      self.providers = providers
      self.ledger = ledger
      self.tokens = tokens
      self.models = models
      self.time = time
      self.background = background
      self.routes = routes
    }
  }

  private let ports: Ports
  let context: WorkerContext
  private let decoder: RequestDecoder
  private let gates: Gates

  /// - Parameter paces: Limits of calls, by provider.
  public init(
    ports: Ports, configuration: WorkerConfiguration, decoder: RequestDecoder, paces: [String: PaceLimits],
    health: HealthBoard, metrics: WorkerMetrics, alerts: Alerts, logger: Logger
  ) {
    self.ports = ports
    self.decoder = decoder
    let holds = Holds(
      longest: configuration.maximumRetryAfter, time: ports.time, health: health, metrics: metrics, alerts: alerts,
      logger: logger)
    let absence = BatchAbsence(time: ports.time, metrics: metrics, logger: logger)
    let providers = Dictionary(
      ports.providers.map { ($0.name, HeldProvider(provider: $0, holds: holds, absence: absence) as any Provider) },
      uniquingKeysWith: { first, _ in first })
    let names = Dictionary(ports.providers.map { ($0.account, $0.name) }, uniquingKeysWith: { first, _ in first })
    let fallback = PaceLimits(concurrency: configuration.workerConcurrency)
    let reopenings = Reopenings()
    gates = Gates(
      isShared: ports.ledger.isShared,
      limits: { key in
        let limits = names[key.account].flatMap { paces[$0] } ?? fallback
        return key.model.isEmpty ? limits.forBatches : limits
      },
      time: ports.time,
      watch: BreakerWatch(
        names: { names[$0.account] ?? $0.account }, health: health, metrics: metrics, alerts: alerts,
        reopenings: reopenings), reopenings: reopenings)
    context = WorkerContext(
      configuration: configuration, ledger: ports.ledger, providers: providers, models: ports.models,
      time: ports.time, health: health, metrics: metrics, logger: logger, held: HeldDeliveries(),
      store: StoreWatch(health: health), gates: gates, alerts: alerts, holds: holds,
      room: BatchRoom(limits: configuration.batchLimits, time: ports.time, metrics: metrics, logger: logger),
      places: PlaceQueue(health: health, logger: logger),
      deadlines: Deadlines(configuration: configuration, gates: gates, time: ports.time, metrics: metrics),
      routes: ports.routes)
  }

  /// The providers for whoever asks them besides the worker: pauses that they ask for hold for all.
  public var providers: [any Provider] { Array(context.providers.values) }

  /// How many services call with the same accounts without sharing a ledger, this one included: each takes its part.
  public func setPeers(_ peers: Int) { gates.setPeers(peers) }

  /// Resumes what the ledger holds and works until the service is told to stop; then drains within the time limit.
  public func run() async {
    let acks = AckTracker(context: context)
    let marks = MarkKeeper(context: context)
    let faults = ExchangeFaults(health: context.health, time: context.time)
    let settler = DeliverySettler(context: context, sink: ports.sink, acks: acks, faults: faults)
    let unrecorded = UnrecordedPoison(context: context, sink: ports.sink, settler: settler, faults: faults)
    let calls = CallDispatcher(context: context, settler: settler)
    let batches = BatchInbox()
    let windows = WindowKeeper(context: context, planned: batches) { calls.parkedWorkIsReady() }
    let files = FileCleaner(context: context)
    let runner = BatchRunner(context: context, inbox: batches, windows: windows, files: files)
    let pumps = ReplyUrgency.allCases.map { urgency in
      ReplyPump(
        urgency, context: context, sink: urgency == .urgent ? ports.urgentSink : ports.sink, settler: settler,
        faults: faults)
    }
    let gate = IntakeGate(lanes: ports.sources.count)

    let background = ports.background
    let stages = Stages(intakes: Latch(ports.sources.count), replies: Latch(pumps.count))
    await withTaskGroup(of: Void.self) { group in
      group.addTask(executorPreference: background) { await runner.run() }
      group.addTask(executorPreference: background) { await files.run() }
      group.addTask { await acks.run() }
      group.addTask { await marks.run() }
      group.addTask { await settler.run() }
      group.addTask { await unrecorded.run() }
      group.addTask(executorPreference: background) { await BacklogWatch(context: context, gate: gate).run() }
      let takeOver = TakeOver(context: context, batches: batches, windows: windows, calls: calls)
      group.addTask {
        await ClockWatch(context: context).run {
          windows.sweep()
          calls.parkedWorkIsReady()
        }
      }
      group.addTask(executorPreference: background) {
        await RescueWatch(context: context) { calls.parkedWorkIsReady() }.run()
      }
      group.addTask(executorPreference: background) { await RetentionKeeper(context: context).run() }
      group.addTask(executorPreference: background) { await RatioKeeper(context: context).run() }
      group.addTask(executorPreference: background) {
        await BudgetWatch(context: context, windows: windows, calls: calls).run()
      }
      group.addTask { await GateExchange(context: context) { calls.gatesMayBeOpen() }.run() }
      group.addTask { await BreakerPoll(context: context) { calls.gatesMayBeOpen() }.run() }
      group.addTask { await ReopeningWatch(context: context, windows: windows, calls: calls).run() }
      group.addTask(executorPreference: background) {
        // Before any window closes, so that no batch is found open that is on its way already.
        await takeOver.resume()
        await windows.run()
        stages.windows.leave()
      }
      group.addTask(executorPreference: background) { await takeOver.run() }
      group.addTask {
        await calls.run()
        stages.calls.leave()
      }
      for pump in pumps {
        group.addTask(executorPreference: pump.urgency == .urgent ? nil : background) {
          await pump.run()
          stages.replies.leave()
        }
      }
      let intakes = ports.sources.enumerated().map { index, source in
        Intake(
          context: context, source: source, decoder: decoder, tokens: ports.tokens, routes: ports.routes,
          gate: gate.lane(index), windows: windows, calls: calls, acks: acks, marks: marks,
          settler: settler, unrecorded: unrecorded)
      }
      group.addTask { await AttachedWatch(context: context, intakes: intakes, settler: settler).run() }
      for intake in intakes {
        group.addTask(executorPreference: intake.source.lane == .interactive ? nil : background) {
          await intake.run()
          stages.intakes.leave()
        }
      }
      try? await gracefulShutdown()
      await drain(stages, windows, batches, calls, pumps, settler, acks, gate)
      files.close()
      // What is asked of a store that is away is not waited for any more: what it holds is another start's, or another's.
      context.ledger.stopWaiting()
      group.cancelAll()
    }
  }

  /// What shutdown waits for, in this order.
  private struct Stages: Sendable {
    var intakes: Latch
    var windows = Latch(1)
    var calls = Latch(1)
    var replies: Latch
  }

  /// Stops intake, lets what is on its way arrive, and leaves the rest in the ledger or with the broker.
  private func drain(
    _ stages: Stages, _ windows: WindowKeeper, _ batches: BatchInbox, _ calls: CallDispatcher, _ pumps: [ReplyPump],
    _ settler: DeliverySettler, _ acks: AckTracker, _ gate: IntakeGate
  ) async {
    let deadline = context.time.monotonic() + context.configuration.drainTimeout
    context.logger.info("Draining", metadata: ["calls_in_flight": "\(calls.inFlight)"])
    gate.close()
    await within(deadline, share: 0.3) {
      for source in ports.sources { await source.stop() }
      await stages.intakes.wait()
    }
    calls.stopStarting()
    windows.drain()
    await within(deadline, share: 0.8) {
      await stages.windows.wait()
      await batches.submitting.wait()
      await stages.calls.wait()
    }
    for pump in pumps { pump.finish() }
    await within(deadline, share: 1) {
      await stages.replies.wait()
      await settler.burying.wait()
      await acks.flush()
    }
    context.logger.info(
      "Drained", metadata: ["calls_cut": "\(calls.inFlight)", "deliveries_handed_back": "\(context.held.count)"])
    acks.close()
    batches.close()
  }

  /// Waits for the operation, but not beyond a share of the drain time.
  private func within(_ deadline: Timestamp, share: Double, _ operation: @escaping @Sendable () async -> Void) async {
    let left = deadline - context.time.monotonic() - context.configuration.drainTimeout * (1 - share)
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await operation() }
      group.addTask { try? await context.time.sleep(for: max(.zero, left)) }
      await group.next()
      group.cancelAll()
    }
  }
}
