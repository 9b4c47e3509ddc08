import BatchCore
import Ledger
import Logging
import OrderedCollections
import Threading
import Wire

/// Sends interactive requests: asks the scheduler, makes the calls, and records what came of them.
final class CallDispatcher: Sendable {
  private enum Event: Sendable {
    case submitted([PendingCall])
    /// With what the call took of its tenant's share, where that is known.
    case ended(PendingCall, cost: Int64?)
    case parkedReady
    case taken(ParkedSource.Taken, ParkedLook.Step)
  }

  private let context: WorkerContext
  private let source: ParkedSource
  private let settler: DeliverySettler
  /// Bounded by the prefetch, the calls in flight and what is taken from the parked rows.
  private let events = Locked([Event]())
  private let ready = Signal()
  private let stopping = Locked(false)
  private let load = Locked((inFlight: 0, waiting: 0))
  private static let leasePause = Duration.milliseconds(200)

  init(context: WorkerContext, settler: DeliverySettler) {
    self.context = context
    self.settler = settler
    source = ParkedSource(context: context)
  }

  func submit(_ calls: [PendingCall]) {
    if !calls.isEmpty { send(.submitted(calls)) }
  }

  /// A gate may have more places.
  func gatesMayBeOpen() { ready.raise() }

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
    let routing = CallRouting(context: context)
    var scheduler = CallScheduler(
      limits: CallScheduler.Limits(
        concurrency: configuration.workerConcurrency, hold: configuration.interactiveHold,
        waitingPerRoute: max(1, configuration.interactivePrefetch / 4), weights: configuration.tenantWeights))
    var look = ParkedLook(at: context.time.monotonic())
    context.store.onReturn { [ready] in ready.raise() }
    await withDiscardingTaskGroup { group in
      while !Task.isCancelled {
        let now = context.time.monotonic()
        for event in events.withLock({ events in take(&events) }) {
          switch event {
          case .submitted(let calls): scheduler.submit(calls, at: now)
          case .ended(let call, let cost):
            scheduler.ended(call, cost: cost)
            if let cost { look.ended(call, cost: cost) }
          case .parkedReady: look.ready(at: now)
          case .taken(let taken, let step):
            look.took(taken, step, at: now)
            scheduler.submit(taken.calls.map { PendingCall($0, arrivedAt: now) }, at: now)
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
        // Another may be about to take the calls over: whether it does is known when the lease is renewed.
        if context.ledger.leaseLeft() == .zero {
          load.withLock { $0 = (scheduler.inFlight, scheduler.waiting) }
          _ = await ready.wait(upTo: Self.leasePause, context.time)
          continue
        }
        let actions = scheduler.next(at: now) { call, waiting in routing.reserve(call, waiting: waiting, now: now) }
        load.withLock { $0 = (scheduler.inFlight, scheduler.waiting) }
        for call in actions.start { group.addTask { await self.make(call) } }
        if !actions.park.isEmpty {
          let parked = actions.park
          // Not awaited here: a slow commit must not hold back calls that could start.
          group.addTask { await self.park(parked) }
        }
        if !actions.refused.isEmpty {
          let refused = actions.refused
          group.addTask { await self.divert(refused, routing) }
        }
        if let (step, room, corrections) = look.next(at: now, room: { scheduler.parkedRoom(at: now) }) {
          // Not awaited here either: a store that is slow must not hold back what has come from the broker.
          group.addTask { await self.take(step, room, corrections) }
        }
        let wake = [actions.wake, look.isUnderWay ? nil : look.due].compactMap { $0 }.min()
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
    let routing = CallRouting(context: context)
    var cost: Int64? = 0
    defer { send(.ended(call, cost: cost)) }
    // What cannot be read does not keep it from being sent.
    if call.runsInBatch, (try? await context.ledger.hasOutcome(call.id)) ?? false {
      return routing.settle(call, CallEnd(nil))
    }
    let now = context.time.now()
    if let deadline = call.deadline, deadline <= now {
      routing.settle(call, CallEnd(nil))
      let failure = Failure(.deadlineExceeded, "its deadline passed before it could be sent")
      let failed: Void? = await context.retry("answer a late request") { () async throws(LedgerError) in
        try await context.ledger.fail([(id: call.id, failure: failure, body: call.body)], at: now)
      }
      if failed != nil {
        if !call.runsInBatch { context.metrics.outcome(lane: .interactive, succeeded: false) }
        // The batch may have ended meanwhile, and then the request has.
        context.outboxReady.raise()
      }
      return
    }
    guard let provider = context.providers[call.route.provider] else { return routing.settle(call, CallEnd(nil)) }
    let began = context.time.monotonic()
    let outcome = await provider.call(
      ProviderCall(
        endpoint: call.endpoint, model: call.route.model, body: call.body, timeout: context.configuration.callTimeout))
    let duration = context.time.monotonic() - began
    cost = outcome.cost
    // At once: what it tells of the limits concerns the calls that wait.
    routing.settle(call, outcome, duration: duration)
    context.deadlines.called(call.route, duration)
    context.metrics.call(provider: provider.name, disposition: outcome.disposition, duration: duration)
    // A cancelled call is no outcome: its claim is taken over when the broker delivers the request again.
    if Task.isCancelled, outcome.response == nil { return }
    await CallSettlement(context: context, dispatcher: self).settle(call, outcome)
  }

  private func take(_ step: ParkedLook.Step, _ room: ParkedRoom, _ corrections: [ParkedLine: [String: Int64]]) async {
    let taken =
      switch step {
      case .all: await source.look(room, corrections: corrections)
      case .refill(let lines): await source.refill(lines, room, corrections: corrections)
      }
    send(.taken(taken, step))
  }

  /// What a closed gate sends away takes its next route that is open; without one it waits in the ledger, where nobody
  /// has to hold it.
  func divert(_ calls: [PendingCall], _ routing: CallRouting) async {
    let (diverted, waiting) = routing.divert(calls, at: context.time.monotonic())
    for (route, calls) in diverted {
      let ids = calls.map(\.id)
      let done: Void? = await context.retry("send requests another way") { () async throws(LedgerError) in
        try await context.ledger.reroute(ids, to: route)
      }
      guard done != nil else { return }
      for (from, group) in Dictionary(grouping: calls, by: \.route.provider) {
        context.metrics.rerouted(from: from, to: route.provider, by: group.count)
      }
      submit(
        calls.map { call in
          var call = call
          call.route = route
          call.notBefore = context.time.monotonic()
          return call
        })
    }
    if waiting.isEmpty { return }
    await park(waiting)
    // A gate that has opened meanwhile let go what was parked before.
    routing.reopened(Set(waiting.map(\.route)), now: context.time.monotonic())
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

extension CallOutcome {
  /// What the call took of its tenant's share; nil where nobody knows.
  fileprivate var cost: Int64? {
    if let usage { return CallCost.of(usage) }
    switch disposition {
    case .rateLimited, .notExecuted, .accountClosed: return 0
    case .succeeded, .rejected, .retryable: return mayHaveBeenPaid ? nil : CallCost.floor
    }
  }
}
