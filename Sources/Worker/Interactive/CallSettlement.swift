import BatchCore
import Ledger
import Logging
import Wire

/// Records what came of a synchronous call, and says how its request goes on.
struct CallSettlement: Sendable {
  var context: WorkerContext
  var dispatcher: CallDispatcher

  func settle(_ call: PendingCall, _ outcome: CallOutcome) async {
    let delay = { (retryAfter: Duration?) in
      context.policy.delay(attempt: call.attempt, retryAfter: retryAfter, random: context.random())
    }
    switch outcome.disposition {
    case .succeeded:
      await record(call, outcome, .finish(outcome.response == nil ? AttemptPolicy.emptyAnswer : nil))
    case .rejected:
      await record(call, outcome, .finish(Failure(.providerRejected, outcome.message)))
    case .rateLimited(let retryAfter):
      // Not billed and says nothing about the request: the same attempt is made when the gate opens.
      await again(call, after: retryAfter ?? .zero)
    case .accountClosed(let fault):
      context.health.report(
        .account(call.route.provider),
        "\(call.route.provider): \(outcome.message)")
      context.logger.error(
        "The account is closed to calls; requests are parked",
        metadata: ["provider": "\(call.route.provider)", "fault": "\(fault)", "error": "\(outcome.message)"])
      var parked = call
      parked.notBefore = context.time.monotonic() + .seconds(30)
      await dispatcher.park([parked])
    case .retryable(let retryAfter):
      await retry(call, outcome, after: delay(retryAfter))
    case .notExecuted:
      await retry(call, outcome, after: delay(nil))
    }
    if case .accountClosed = outcome.disposition { return }
    context.health.clear(.account(call.route.provider))
  }

  private func retry(_ call: PendingCall, _ outcome: CallOutcome, after delay: Duration) async {
    let limit = context.policy.limit(.providerUnavailable, outcome.message)
    let now = context.time.now()
    let verdict: AttemptOutcome.Verdict =
      call.custody == .ledger ? .park(notBefore: now + delay, limit) : .again(limit)
    guard await record(call, outcome, verdict) == .applied else { return }
    if call.custody == .ledger { return dispatcher.parkedWorkIsReady() }
    var next = call
    next.attempt += 1
    await again(next, after: delay)
  }

  private func again(_ call: PendingCall, after delay: Duration) async {
    var call = call
    call.notBefore = context.time.monotonic() + delay
    dispatcher.submit([call])
  }

  @discardableResult
  private func record(
    _ call: PendingCall, _ outcome: CallOutcome, _ verdict: AttemptOutcome.Verdict
  ) async -> RecordedOutcome? {
    let (cost, basis) = context.cost(route: call.route, lane: .interactive, usage: outcome.usage)
    let attempt = AttemptOutcome(
      id: call.id, attempt: call.attempt, batch: nil, verdict: verdict, response: outcome.response,
      usage: outcome.usage, cost: cost, basis: basis, costUnknown: outcome.mayHaveBeenPaid && outcome.usage == nil,
      body: verdict == .finish(nil) ? nil : call.body)
    let recorded = await context.retry("record a result") { () async throws(LedgerError) in
      try await context.ledger.record([attempt], at: context.time.now())
    }
    guard let result = recorded?.first else { return nil }
    context.outboxReady.raise()
    context.metrics.usage(
      provider: call.route.provider, lane: .interactive, outcome.usage.map { [$0] } ?? [], cost: cost.map { [$0] } ?? []
    )
    if result == .finished { context.metrics.outcome(lane: .interactive, succeeded: verdict == .finish(nil)) }
    if result == .superseded { context.metrics.superseded(provider: call.route.provider, by: 1) }
    return result
  }
}
