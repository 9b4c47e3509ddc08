public import BatchCore
public import Ledger
public import Logging
import ServiceLifecycle
import Threading
public import Tokenizer
public import Wire

/// The pipeline: deliveries in, batches and calls out, replies back. `run` returns when it is drained.
public struct Worker: Sendable {
  /// What the worker is connected to.
  public struct Ports: Sendable {
    public var sources: [any DeliverySource]
    public var sink: any ReplySink
    public var providers: [any Provider]
    public var ledger: any LedgerStore
    public var tokens: any TokenCounting
    public var prices: PriceTable
    public var time: any Timekeeper
    /// Routes of a model, best first; empty for an unknown one.
    public var routes: @Sendable (String) -> [Route]

    public init(
      sources: [any DeliverySource], sink: any ReplySink, providers: [any Provider], ledger: any LedgerStore,
      tokens: any TokenCounting, prices: PriceTable, time: any Timekeeper,
      routes: @escaping @Sendable (String) -> [Route]
    ) {
      self.sources = sources
      self.sink = sink
      self.providers = providers
      self.ledger = ledger
      self.tokens = tokens
      self.prices = prices
      self.time = time
      self.routes = routes
    }
  }

  private let ports: Ports
  private let context: WorkerContext
  private let decoder: RequestDecoder
  private let paces: [String: Pace.Limits]

  /// - Parameter paces: Limits of calls, by provider.
  public init(
    ports: Ports, configuration: WorkerConfiguration, decoder: RequestDecoder, paces: [String: Pace.Limits],
    health: HealthBoard, metrics: WorkerMetrics, logger: Logger
  ) {
    self.ports = ports
    self.decoder = decoder
    self.paces = paces
    context = WorkerContext(
      configuration: configuration, ledger: ports.ledger,
      providers: Dictionary(ports.providers.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first }),
      prices: ports.prices, time: ports.time, health: health, metrics: metrics, logger: logger,
      held: HeldDeliveries(), outboxReady: Signal(), store: StoreWatch(health: health))
  }

  /// Resumes what the ledger holds and works until the service is told to stop; then drains within the time limit.
  public func run() async {
    let batches = BatchInbox()
    let windows = WindowKeeper(context: context, planned: batches)
    let runner = BatchRunner(context: context, inbox: batches, windows: windows)
    let acks = AckTracker(context: context)
    let settler = DeliverySettler(context: context, sink: ports.sink, acks: acks)
    let calls = CallDispatcher(context: context, paces: paces, settler: settler)
    let pump = ReplyPump(context: context, sink: ports.sink, settler: settler)
    let gate = IntakeGate(lanes: ports.sources.count)

    let stages = Stages(intakes: Latch(ports.sources.count))
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await runner.run() }
      group.addTask { await acks.run() }
      group.addTask { await settler.run() }
      group.addTask { await BacklogWatch(context: context, gate: gate).run() }
      let takeOver = TakeOver(context: context, batches: batches, windows: windows, calls: calls)
      group.addTask {
        await ClockWatch(context: context).run {
          windows.sweep()
          calls.parkedWorkIsReady()
        }
      }
      group.addTask { await RetentionKeeper(context: context).run() }
      group.addTask {
        // Before any window closes, so that no batch is found open that is on its way already.
        await takeOver.resume()
        await windows.run()
        stages.windows.leave()
      }
      group.addTask { await takeOver.run() }
      group.addTask {
        await calls.run()
        stages.calls.leave()
      }
      group.addTask {
        await pump.run()
        stages.replies.leave()
      }
      let intakes = ports.sources.enumerated().map { index, source in
        Intake(
          context: context, source: source, decoder: decoder, tokens: ports.tokens, routes: ports.routes,
          gate: gate.lane(index), windows: windows, calls: calls, acks: acks, settler: settler)
      }
      group.addTask { await AttachedWatch(context: context, intakes: intakes, settler: settler).run() }
      for intake in intakes {
        group.addTask {
          await intake.run()
          stages.intakes.leave()
        }
      }
      try? await gracefulShutdown()
      await drain(stages, windows, batches, calls, pump, settler, acks, gate)
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
    var replies = Latch(1)
  }

  /// Stops intake, lets what is on its way arrive, and leaves the rest in the ledger or with the broker.
  private func drain(
    _ stages: Stages, _ windows: WindowKeeper, _ batches: BatchInbox, _ calls: CallDispatcher, _ pump: ReplyPump,
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
    pump.finish()
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
