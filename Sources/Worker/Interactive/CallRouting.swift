import BatchCore
import Ledger
import OrderedCollections

/// Which gate a call passes, and which way it goes when that is closed.
struct CallRouting: Sendable {
  let context: WorkerContext

  private func key(_ route: Route) -> GateKey {
    GateKey(account: context.providers[route.provider]?.account ?? route.provider, model: route.model)
  }

  private func countsOutputLimit(_ route: Route) -> Bool {
    context.providers[route.provider]?.capabilities.countsOutputLimit ?? false
  }

  func reserve(_ call: PendingCall, waiting: Int, now: Timestamp) -> GateDecision {
    let amount = context.gates.estimate(call, countsOutputLimit: countsOutputLimit(call.route))
    return context.gates.reserve(key(call.route), amount, waiting: waiting, now: now)
  }

  func settle(_ call: PendingCall, _ end: CallEnd) {
    guard let reservation = call.reservation else { return }
    context.gates.settle(key(call.route), reservation, end, now: context.time.monotonic())
  }

  func settle(_ call: PendingCall, _ outcome: CallOutcome, duration: Duration) {
    var used: PaceAmount?
    if let usage = outcome.usage {
      // Where the most that is allowed counts, the estimate is what the provider has counted.
      if !countsOutputLimit(call.route) {
        used = PaceAmount(inputTokens: usage.inputTokens, outputTokens: usage.outputTokens)
      }
      context.gates.learn(call, key(call.route), used: usage)
    }
    settle(call, CallEnd(outcome.disposition, used: used, observation: outcome.pace, duration: duration))
  }

  /// The calls by the route that each can take instead, and those that must wait, with the time at which the first of their
  /// routes may be tried again.
  func divert(_ calls: [PendingCall], at now: Timestamp) -> (OrderedDictionary<Route, [PendingCall]>, [PendingCall]) {
    var diverted: OrderedDictionary<Route, [PendingCall]> = [:]
    var waiting: [PendingCall] = []
    for var call in calls {
      let others = others(than: call)
      let closed = others.map { context.gates.refusal(key($0), now: now) }
      if let open = zip(others, closed).first(where: { $0.1 == nil })?.0 {
        diverted[open, default: []].append(call)
      } else {
        for refusal in closed { call.notBefore = min(call.notBefore, refusal?.until ?? call.notBefore) }
        waiting.append(call)
      }
    }
    return (diverted, waiting)
  }

  /// The first other route of the call's model that is open.
  func alternative(to call: PendingCall, at now: Timestamp) -> Route? {
    others(than: call).first { context.gates.refusal(key($0), now: now) == nil }
  }

  private func others(than call: PendingCall) -> [Route] {
    context.routes(call.model).filter { route in
      route != call.route
        && context.providers[route.provider].map { provider in
          provider.capabilities.endpoints.contains(call.endpoint)
            && provider.objection(to: call.body, endpoint: call.endpoint) == nil
        } ?? false
    }
  }

  /// The best route that is not closed; the first if all are.
  func choose(_ routes: [Route], endpoint: Endpoint, lane: Lane) -> Route? {
    if routes.count < 2 { return routes.first }
    let now = context.time.monotonic()
    return routes.first { serves($0, endpoint, lane) && refusal($0, lane, now: now) == nil } ?? routes.first
  }

  /// The first route of the model that is not closed; else when the first of them may be tried again.
  func way(of model: String, endpoint: Endpoint, lane: Lane, now: Timestamp) -> (route: Route?, until: Timestamp?) {
    var until: Timestamp?
    for route in context.routes(model) where serves(route, endpoint, lane) {
      guard let refusal = refusal(route, lane, now: now) else { return (route, nil) }
      until = min(until ?? refusal.until, refusal.until)
    }
    return (nil, until)
  }

  /// The way of calls that have no time to wait: this route if it is open, else the model's next that is, else one that may
  /// be tried again. Nil if all are closed.
  func urgentWay(_ route: Route, of model: String, endpoint: Endpoint, now: Timestamp) -> Route? {
    let patience = context.configuration.rescue.buffer
    let others = context.routes(model).filter { $0 != route && serves($0, endpoint, .interactive) }
    let ways = ([route] + others).map { ($0, context.gates.openness(key($0), patience: patience, now: now)) }
    return (ways.first { $0.1 == .open } ?? ways.first { $0.1 == .trying })?.0
  }

  /// Until when nothing is sent this way.
  func refusal(_ route: Route, _ lane: Lane, now: Timestamp) -> GateRefusal? {
    context.gates.refusal(lane == .deferred ? batches(of: route.provider) : key(route), now: now)
  }

  /// Has what is parked for these routes looked at again, where they are not closed.
  func reopened(_ routes: Set<Route>, now: Timestamp) {
    for route in routes where context.gates.refusal(key(route), now: now) == nil {
      context.gates.reopenings.add(key(route))
    }
  }

  /// The gate of an account's batches.
  func batches(of provider: String) -> GateKey {
    GateKey(account: context.providers[provider]?.account ?? provider, model: "")
  }

  /// What a batch can do for a deadline. What is past it already is answered in either lane.
  func outlook(of deadline: Timestamp, _ route: Route, _ now: Timestamp) -> Deadlines.Outlook {
    guard let provider = context.providers[route.provider], provider.capabilities.batches else {
      return Deadlines.Outlook(mayWait: false, isLikelyInTime: false)
    }
    var outlook = context.deadlines.outlook(of: deadline, route, account: provider.account, now: now)
    if deadline < now { outlook.mayWait = true }
    return outlook
  }

  /// Whether such requests can be batched this way.
  func hasBatches(_ route: Route, _ endpoint: Endpoint) -> Bool { serves(route, endpoint, .deferred) }

  private func serves(_ route: Route, _ endpoint: Endpoint, _ lane: Lane) -> Bool {
    guard let capabilities = context.providers[route.provider]?.capabilities else { return false }
    if lane == .interactive { return capabilities.endpoints.contains(endpoint) }
    return capabilities.batches && capabilities.batchEndpoints.contains(endpoint)
  }
}
