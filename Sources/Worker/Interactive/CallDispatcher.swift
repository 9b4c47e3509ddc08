import BatchCore
import Ledger
import Logging
import Threading
import Wire

/// Sends interactive requests: asks the scheduler, makes the calls, and records what came of them.
final class CallDispatcher: Sendable {
  private enum Event: Sendable {
    case submitted([PendingCall])
    case ended(PendingCall, Disposition?)
    case parkedReady
  }

  private let context: WorkerContext
  private let source: ParkedSource
  private let settler: DeliverySettler
  /// Bounded by the prefetch, the calls in flight and what is taken from the parked rows.
  private let events = Locked([Event]())
  private let ready = Signal()
  private let stopping = Locked(false)
  private let load = Locked((inFlight: 0, waiting: 0))
  private let paces: [String: Pace.Limits]

  init(context: WorkerContext, paces: [String: Pace.Limits], settler: DeliverySettler) {
    self.context = context
    self.paces = paces
    self.settler = settler
    source = ParkedSource(context: context)
  }

  func submit(_ calls: [PendingCall]) {
    if !calls.isEmpty { send(.submitted(calls)) }
  }

  /// The ledger has parked rows that may be sent.
  func parkedWorkIsReady() { send(.parkedReady) }

  /// No call is started after it. What waits is left where its custody is; calls in flight go on.
  func stopStarting() {
    stopping.withLock { $0 = true }
    ready.raise()
  }

  /// Ends `run` when nothing is in flight.
  var inFlight: Int { load.withLock { $0.inFlight } }

  private func send(_ event: Event) {
    events.withLock { $0.append(event) }
    ready.raise()
  }

  func run() async {
    let configuration = context.configuration
    let providers = context.providers
    let paces = paces
    var scheduler = CallScheduler(
      limits: CallScheduler.Limits(
        concurrency: configuration.workerConcurrency, hold: configuration.interactiveHold,
        waitingPerRoute: max(1, configuration.interactivePrefetch / 4)),
      account: { providers[$0.provider]?.account ?? $0.provider },
      makePace: { Pace(paces[$0] ?? Pace.Limits(concurrency: configuration.workerConcurrency)) })
    var parkedDue: Timestamp? = context.time.monotonic()
    context.store.onReturn { [ready] in ready.raise() }
    await withDiscardingTaskGroup { group in
      while !Task.isCancelled {
        let now = context.time.monotonic()
        for event in events.withLock({ events in take(&events) }) {
          switch event {
          case .submitted(let calls): scheduler.submit(calls, at: now)
          case .ended(let call, let disposition):
            scheduler.ended(call, disposition, at: now, random: context.random())
            // A place is free: parked work may take it.
            if parkedDue != nil { parkedDue = now }
          case .parkedReady: parkedDue = now
          }
        }
        if stopping.withLock({ $0 }) {
          load.withLock { $0 = (scheduler.inFlight, scheduler.waiting) }
          if scheduler.inFlight == 0 { return }
          await ready.wait()
          continue
        }
        // What a call costs could not be recorded, so none is started and none is parked.
        if context.store.isAway {
          load.withLock { $0 = (scheduler.inFlight, scheduler.waiting) }
          await ready.wait()
          continue
        }
        if let due = parkedDue, due <= now {
          let taken = await source.take(room: { scheduler.hasRoom($0) }, limit: configuration.workerConcurrency)
          scheduler.submit(taken.calls.map { PendingCall($0, arrivedAt: now) }, at: now)
          parkedDue = taken.askAgain.map { now + $0 }
        }
        let actions = scheduler.next(at: now)
        load.withLock { $0 = (scheduler.inFlight, scheduler.waiting) }
        for call in actions.start { group.addTask { await self.make(call) } }
        if !actions.park.isEmpty {
          let parked = actions.park
          // Not awaited here: a slow commit must not hold back calls that could start.
          group.addTask { await self.park(parked) }
        }
        let wake = [actions.wake, parkedDue].compactMap { $0 }.min()
        if let wake {
          let wait = wake - context.time.monotonic()
          if wait > .zero { _ = await ready.wait(upTo: wait, context.time) }
        } else {
          await ready.wait()
        }
      }
    }
  }

  private func take(_ events: inout [Event]) -> [Event] {
    defer { events = [] }
    return events
  }

  private func make(_ call: PendingCall) async {
    let now = context.time.now()
    if let deadline = call.deadline, deadline <= now {
      let failure = Failure(.deadlineExceeded, "its deadline passed before it could be sent")
      let failed: Void? = await context.retry("answer a late request") { () async throws(LedgerError) in
        try await context.ledger.fail([(id: call.id, failure: failure, body: call.body)], at: now)
      }
      if failed != nil {
        context.metrics.outcome(lane: .interactive, succeeded: false)
        context.outboxReady.raise()
      }
      send(.ended(call, nil))
      return
    }
    guard let provider = context.providers[call.route.provider] else {
      send(.ended(call, nil))
      return
    }
    let began = context.time.monotonic()
    let outcome = await provider.call(
      ProviderCall(
        endpoint: call.endpoint, model: call.route.model, body: call.body, timeout: context.configuration.callTimeout))
    context.metrics.call(
      provider: provider.name, disposition: outcome.disposition, duration: context.time.monotonic() - began)
    // A cancelled call is no outcome: its claim is taken over when the broker delivers the request again.
    if Task.isCancelled, outcome.response == nil { return send(.ended(call, nil)) }
    await CallSettlement(context: context, dispatcher: self).settle(call, outcome)
    send(.ended(call, outcome.disposition))
  }

  /// Moves calls into the ledger's custody and acks their deliveries.
  func park(_ calls: [PendingCall]) async {
    let wall = context.time.now()
    let now = context.time.monotonic()
    let fromBroker = calls.filter { $0.custody == .broker }
    let fromLedger = calls.filter { $0.custody == .ledger }
    let parked: Void? = await context.retry("park requests") { () async throws(LedgerError) in
      if !fromBroker.isEmpty {
        try await context.ledger.park(
          fromBroker.map { (id: $0.id, body: $0.body, notBefore: wall + max(.zero, $0.notBefore - now)) })
      }
      if !fromLedger.isEmpty {
        _ = try await context.ledger.record(
          fromLedger.map {
            AttemptOutcome(
              id: $0.id, attempt: $0.attempt, batch: nil,
              verdict: .park(notBefore: wall + max(.zero, $0.notBefore - now), nil))
          }, at: wall)
      }
    }
    guard parked != nil else { return }
    settler.settle(context.held.release(fromBroker.map(\.id)))
    parkedWorkIsReady()
  }
}
