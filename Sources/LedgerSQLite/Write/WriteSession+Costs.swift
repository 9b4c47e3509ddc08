import BatchCore
import Ledger
import LedgerRules

/// Ends of attempts, each counted in its day's costs by the transaction that records it.
extension WriteSession {
  func insertAttempt(
    _ outcome: AttemptOutcome, id: Int64, of request: Int64, _ end: AttemptEnd, at now: Timestamp
  ) throws {
    budgets.touched.insert(request)
    let charged = try costs.charged(for: request)
    let route = try outcome.route.map { try self.id(of: $0) } ?? charged?.route
    let ceiling = outcome.batch == nil ? charged?.callCeiling : charged?.batchCeiling
    let held = outcome.costUnknown ? ceiling : nil
    guard
      try outcomes.insertAttempt(outcome, id: id, of: request, end, at: now, route: route, held: held),
      let charged
    else { return }
    let key = CostKey(
      endedAt: now, payer: charged.payer, route: route ?? 0, batch: outcome.batch?.rawValue ?? 0)
    count(CostSums(outcome, end, held: held, estimated: charged.tokens), under: key)
  }

  func removeAttempt(_ id: Int64) throws {
    try uncount(lost: id)
    try outcomes.removeAttempt(id)
  }

  func supersede(lost id: Int64, _ outcome: AttemptOutcome, at now: Timestamp) throws {
    let known = try uncount(lost: id)
    let route = try outcome.route.map { try self.id(of: $0) }
    try outcomes.supersede(lost: id, outcome, at: now, route: route)
    guard var key = known else { return }
    key = CostKey(
      endedAt: now, payer: key.payer, route: route ?? key.route, batch: outcome.batch?.rawValue ?? 0)
    let estimated = try costs.charged(for: outcome.id.rawValue)?.tokens ?? 0
    count(CostSums(outcome, .superseded, held: nil, estimated: estimated), under: key)
  }

  /// Returns under what it was counted.
  @discardableResult
  private func uncount(lost id: Int64) throws -> CostKey? {
    guard let found = try costs.lost(id) else { return nil }
    pendingCosts[found.key, default: CostSums()] -= found.sums
    budgets.touched.insert(found.request)
    return found.key
  }

  func count(_ sums: CostSums, under key: CostKey) { pendingCosts[key, default: CostSums()] += sums }

  func flushCosts() throws {
    if pendingCosts.isEmpty { return }
    try costs.add(pendingCosts)
    pendingCosts.removeAll(keepingCapacity: true)
  }
}
