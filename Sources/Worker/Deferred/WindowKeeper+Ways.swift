import BatchCore
import Ledger

/// Which way accepted rows take, and until when they may be left to a batch.
extension WindowKeeper {
  /// A batch must be on its way this long before the earliest deadline in it.
  private static let deadlineMargin = Duration.seconds(10)

  /// A window takes a quarter of the time that is left until the cut-off, so that the batch has the most of it.
  func closing(_ cutOff: Timestamp, deadline: Timestamp, at wall: Timestamp, _ now: Timestamp) -> Timestamp {
    now + min(max(.zero, (cutOff - wall) / 4), deadline - wall - Self.deadlineMargin)
  }

  func cutOff(of row: AcceptedRow) -> Timestamp? {
    guard let deadline = row.deadline, let account = context.providers[row.route.provider]?.account else { return nil }
    return context.deadlines.cutOff(of: deadline, row.route, account: account)
  }

  /// Has what is due looked at before rows with deadlines are kept: together with them others may be too many to be sent in
  /// time.
  func count(_ rows: [AcceptedRow]) async {
    for route in Set(rows.lazy.filter { $0.deadline != nil }.map(\.route)) {
      guard let account = context.providers[route.provider]?.account else { continue }
      context.deadlines.hasGrown(route)
      _ = await context.deadlines.look(route, account: account, context.ledger)
    }
  }

  /// Rows without a batch endpoint or whose cut-off has passed go the synchronous way, and those whose batch was cancelled
  /// unless another will do: by their own route, or by the model's next where that is closed. The rest, and what is late
  /// already, is returned.
  func expedite(_ rows: [AcceptedRow], at wall: Timestamp) async -> [AcceptedRow] {
    let routing = CallRouting(context: context)
    func isUrgent(_ row: AcceptedRow) -> Bool {
      if !routing.hasBatches(row.route, row.endpoint) { return context.providers[row.route.provider] != nil }
      guard let deadline = row.deadline, deadline > wall else { return false }
      guard let account = context.providers[row.route.provider]?.account else { return false }
      let outlook = context.deadlines.outlook(of: deadline, row.route, account: account, now: wall)
      return !outlook.mayWait || (row.wasCancelled && !outlook.isLikelyInTime)
    }
    let found = rows.filter(isUrgent)
    if found.isEmpty { return rows }
    let now = context.time.monotonic()
    var changed: [Route: [RequestID]] = [:]
    for row in found {
      guard let way = routing.urgentWay(row.route, of: row.model, endpoint: row.endpoint, now: now), way != row.route
      else { continue }
      context.metrics.rerouted(from: row.route.provider, to: way.provider, by: 1)
      changed[way, default: []].append(row.id)
    }
    guard await reroute(changed) else { return [] }
    let urgent = Set(found.map(\.id))
    await expedite(Array(urgent), at: wall)
    return rows.filter { !urgent.contains($0.id) }
  }

  func expedite(_ rows: [RequestID], at wall: Timestamp) async {
    let done = await context.retry("send requests synchronously") { () async throws(LedgerError) in
      try await context.ledger.expedite(rows, at: wall)
    }
    if let done { expedited(done) }
  }

  func expedited(_ count: Int) {
    if count == 0 { return }
    context.metrics.expedited(count)
    parked()
  }

  /// Rows whose route is closed, or has no batches, take the next one that is open; without one they wait until the first may
  /// be tried again.
  func route(_ rows: [AcceptedRow], at wall: Timestamp) async -> [AcceptedRow] {
    let routing = CallRouting(context: context)
    let now = context.time.monotonic()
    func cannotTake(_ row: AcceptedRow) -> Bool {
      routing.refusal(row.route, .deferred, now: now) != nil || !routing.hasBatches(row.route, row.endpoint)
    }
    guard rows.contains(where: cannotTake) else { return rows }
    var rows = rows
    var changed: [Route: [RequestID]] = [:]
    for index in rows.indices where cannotTake(rows[index]) {
      let (route, until) = routing.way(
        of: rows[index].model, endpoint: rows[index].endpoint, lane: .deferred, now: now)
      if let route {
        context.metrics.rerouted(from: rows[index].route.provider, to: route.provider, by: 1)
        rows[index].route = route
        changed[route, default: []].append(rows[index].id)
      } else if let until, routing.hasBatches(rows[index].route, rows[index].endpoint) {
        rows[index].notBefore = max(rows[index].notBefore, wall + (until - now))
      }
    }
    return await reroute(changed) ? rows : []
  }

  /// Returns false when the process is stopping.
  private func reroute(_ changed: [Route: [RequestID]]) async -> Bool {
    for (route, ids) in changed {
      let done: Void? = await context.retry("send requests another way") { () async throws(LedgerError) in
        try await context.ledger.reroute(ids, to: route)
      }
      guard done != nil else { return false }
    }
    return true
  }
}
