import BatchCore
import Ledger
import Logging
import Wire

/// Records what came of a synchronous call, and says how its request goes on.
struct CallSettlement: Sendable {
  var context: WorkerContext
  var dispatcher: CallDispatcher

  func settle(_ call: PendingCall, _ outcome: CallOutcome) async {
    switch outcome.disposition {
    case .succeeded:
      await record(call, outcome, .finish(outcome.response == nil ? AttemptPolicy.emptyAnswer : nil))
    case .rejected:
      await record(call, outcome, .finish(Failure(.providerRejected, outcome.message)))
    case .rateLimited(let retryAfter):
      // Not billed and says nothing about the request: the same attempt is made when the gate opens.
      await again(call, after: min(retryAfter ?? .zero, context.configuration.maximumRetryAfter))
    case .accountClosed:
      // Says nothing about the request: it goes another way, or waits until its gate lets a call try.
      await sendAway(call)
    case .retryable where call.reservation?.isProbe ?? false:
      // It tried whether the account answers again, for all that wait, and is not the one to pay for that.
      await sendAway(call)
    case .retryable(let retryAfter):
      await retry(call, outcome, after: delay(call, retryAfter))
    case .notExecuted:
      await retry(call, outcome, after: delay(call, nil))
    }
  }

  /// Full jitter, but never sooner than the provider asked for, and not beyond the deadline for nothing.
  private func delay(_ call: PendingCall, _ retryAfter: Duration?) -> Duration {
    context.policy.delay(
      attempt: call.attempt, retryAfter: retryAfter, random: context.random(),
      left: call.deadline.map { $0 - context.time.now() })
  }

  private func sendAway(_ call: PendingCall) async {
    var call = call
    call.reservation = nil
    call.notBefore = context.time.monotonic() + context.configuration.backoffBase
    await dispatcher.divert([call], CallRouting(context: context))
  }

  /// From this attempt on a failure sends a call another way: too few calls to open a breaker must not all be spent where
  /// nobody answers.
  private static let lastOfOneWay = 2

  private func retry(_ call: PendingCall, _ outcome: CallOutcome, after delay: Duration) async {
    let limit = context.policy.limit(.providerUnavailable, outcome.message)
    let way = await otherWay(call)
    // The next way has done nothing yet to be spared for. What fails everywhere is spared.
    let delay = way != nil && call.attempt == Self.lastOfOneWay ? .zero : delay
    let now = context.time.now()
    let verdict: AttemptOutcome.Verdict =
      call.custody == .ledger ? .park(notBefore: now + delay, limit) : .again(limit)
    guard await record(call, outcome, verdict) == .applied else { return }
    if call.custody == .ledger { return dispatcher.parkedWorkIsReady() }
    var next = call
    next.attempt += 1
    if let way { next.route = way }
    await again(next, after: delay)
  }

  /// Nil where the call is to be tried where it was.
  private func otherWay(_ call: PendingCall) async -> Route? {
    guard call.attempt >= Self.lastOfOneWay, call.attempt < context.policy.maximumAttempts else { return nil }
    let routing = CallRouting(context: context)
    guard let way = routing.alternative(to: call, at: context.time.monotonic()) else { return nil }
    let done: Void? = await context.retry("send a request another way") { () async throws(LedgerError) in
      try await context.ledger.reroute([call.id], to: way)
    }
    if done == nil { return nil }
    context.metrics.rerouted(from: call.route.provider, to: way.provider, by: 1)
    return way
  }

  private func again(_ call: PendingCall, after delay: Duration) async {
    var call = call
    call.reservation = nil
    call.notBefore = context.time.monotonic() + delay
    call.isBack = true
    dispatcher.submit([call])
  }

  @discardableResult
  private func record(
    _ call: PendingCall, _ outcome: CallOutcome, _ verdict: AttemptOutcome.Verdict
  ) async -> RecordedOutcome? {
    let charge = Charge(outcome.usage, price: context.price(of: call.route), lane: .interactive)
    let attempt = AttemptOutcome(
      id: call.id, attempt: call.attempt, batch: nil, verdict: verdict, response: outcome.response,
      usage: outcome.usage, cost: charge.cost, basis: charge.basis,
      costUnknown: outcome.usage == nil && (outcome.mayHaveBeenPaid || outcome.disposition == .succeeded),
      body: verdict == .finish(nil) ? nil : call.body, urgency: call.urgency, route: call.route,
      listCost: charge.list, fullCost: charge.full)
    let recorded = await context.recorder.record("record a result", [attempt])
    guard let recorded, let kept = recorded.outcomes.first, let result = recorded.results.first else { return nil }
    context.outboxReady.raise(call.urgency)
    context.metrics.usage(
      provider: call.route.provider, lane: .interactive, kept.usage.map { [$0] } ?? [],
      cost: kept.cost.map { [$0] } ?? [])
    if result == .finished { context.metrics.outcome(lane: .interactive, succeeded: kept.verdict == .finish(nil)) }
    if result == .superseded { context.metrics.superseded(provider: call.route.provider, by: 1) }
    return result
  }
}
