package import BatchCore
import Ledger
import Wire

/// Budgets: what calls may cost is reserved by the transaction that takes them in, settled by those that record their
/// attempts, and given back by the one that ends them.
extension LedgerTables {
  /// Reserves what a new call may cost.
  func reserve(_ call: NewCall, of id: Int64) throws -> BudgetDecision {
    let claims = call.budgets
    if claims.isEmpty { return .fits }
    try loadBudgets(claims.map { BudgetBook.Key($0.key, $0.period.start) })
    if let claim = claims.first(where: { $0.amount == nil }) {
      return .refused(
        Failure(
          .budgetExceeded,
          "the model \(call.route.model) has no known price\(call.lane == .deferred ? " in batches" : ""), so it does "
            + "not fit into the budget \(BudgetRule.text(ofKey: claim.key)); set its price under prices"))
    }
    // Who could not wait that long is told at once.
    let decision = decide(claims) { claim in call.deadline.map { $0 > claim.period.end } ?? true }
    guard case .fits = decision else { return decision }
    for claim in claims { take(claim, of: id) }
    return .fits
  }

  /// Looks at all claims, which are loaded: one that refuses does so whatever else the call could wait for.
  private func decide(_ claims: [BudgetClaim], blocking: String? = nil, mayWait: (BudgetClaim) -> Bool)
    -> BudgetDecision
  {
    var waiting: [BudgetClaim] = []
    for claim in claims {
      let amount = claim.amount?.value ?? 0
      let balance = budgets.balance(BudgetBook.Key(claim.key, claim.period.start)) ?? BudgetBalance()
      if balance.fits(amount, limit: claim.limit) { continue }
      // What alone is more than the limit fits into no period.
      if claim.holds, amount <= claim.limit.value, mayWait(claim) {
        waiting.append(claim)
        continue
      }
      return .refused(
        Failure(
          .budgetExceeded,
          "the budget \(BudgetRule.text(ofKey: claim.key)) of $\(claim.limit.dollars) has "
            + "$\(PicoUSD(max(0, claim.limit.value - balance.committed)).dollars) left, and this may cost "
            + "$\(PicoUSD(amount).dollars); it begins anew at \(RFC3339.format(claim.period.end))"))
    }
    if let blocking, waiting.contains(where: { $0.key == blocking }) { return .holds(blocking) }
    return waiting.max { $0.period.end < $1.period.end }.map { .holds($0.key) } ?? .fits
  }

  private func take(_ claim: BudgetClaim, of id: Int64) {
    let key = BudgetBook.Key(claim.key, claim.period.start)
    let amount = claim.amount?.value ?? 0
    budgets.add(key, spent: 0, reserved: amount)
    budgets.append(BudgetBook.Share(request: id, key: key, reserved: amount, spent: 0))
  }

  /// Reads balances, which nobody else changes from then on: with the first of them whatever else the transaction is known
  /// to need, so that two of them ask in one order.
  private func loadBudgets(_ keys: [BudgetBook.Key]) throws {
    var keys = Set(keys)
    let (foreseen, requests) = budgets.takeForeseen()
    keys.formUnion(foreseen)
    if !requests.isEmpty { keys.formUnion(try shareKeys(of: requests.sorted())) }
    let missing = keys.filter { budgets.balance($0) == nil }.sorted()
    if missing.isEmpty { return }
    for (key, balance) in try balances(of: missing) { budgets.load(key, balance) }
  }

  /// Before a commit: what ended is settled, and what has its outcome keeps nothing reserved.
  package func settleBudgets() throws {
    let shares = budgets.takeShares()
    if !shares.isEmpty { try insertShares(shares) }
    let touched = budgets.touched.sorted()
    budgets.touched = []
    if !touched.isEmpty {
      let settled = try settledShares(of: touched)
      try loadBudgets(settled.map(\.share.key))
      var changed: [BudgetBook.Share] = []
      for each in settled {
        var share = each.share
        let reserved = each.isFinished ? 0 : share.reserved
        budgets.add(share.key, spent: each.spentNow - share.spent, reserved: reserved - share.reserved)
        if reserved == share.reserved, each.spentNow == share.spent { continue }
        share.reserved = reserved
        share.spent = each.spentNow
        changed.append(share)
      }
      if !changed.isEmpty { try updateShares(changed) }
    }
    let balances = budgets.takeChanged()
    if !balances.isEmpty { try setBalances(balances) }
  }

  /// Lets calls go that wait for a budget and fit by now, the oldest of each budget first, and answers those that cannot go
  /// any more. Returns how many wait no longer.
  ///
  /// - Parameter rules: As they are configured now. One that is not any more holds nobody.
  package func releaseHeld(_ rules: [BudgetRule], limit: Int, at now: Timestamp) throws -> Int {
    let rules = Dictionary(rules.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    var gone = 0
    for id in try overdueHeld(at: now, limit: limit) {
      try answerHeld(id, Failure(.deadlineExceeded, "its deadline passed while it waited for a budget"), at: now)
      gone += 1
    }
    for blocking in try heldKeys() {
      line: for held in try heldRequests(of: blocking, limit: limit) {
        let claims = held.claims.compactMap { claim -> BudgetClaim? in
          guard let rule = rules[BudgetRule.name(ofKey: claim.key)] else { return nil }
          return BudgetClaim(
            key: claim.key, period: rule.interval.period(at: now), limit: rule.limit, holds: rule.holds,
            amount: PicoUSD(claim.amount))
        }
        try loadBudgets(claims.map { BudgetBook.Key($0.key, $0.period.start) })
        switch decide(claims, blocking: blocking, mayWait: { _ in true }) {
        case .fits:
          guard try release(held.id, at: now) else { continue }
          for claim in claims { take(claim, of: held.id) }
          gone += 1
        // Others of this budget are younger, and wait behind it.
        case .holds(blocking): break line
        // It keeps nobody of this budget waiting, which has room.
        case .holds(let key): try moveHold(held.id, to: key)
        case .refused(let failure):
          try answerHeld(held.id, failure, at: now)
          gone += 1
        }
      }
    }
    return gone
  }

  private func answerHeld(_ id: Int64, _ failure: Failure, at now: Timestamp) throws {
    if let row = try self.row(id), row.state == .held { try finish(row, failure, at: now) }
    try dropHold(id)
  }
}

/// Whether a call fits into its budgets; into all or none.
enum BudgetDecision {
  case fits
  /// It waits for this budget.
  case holds(String)
  case refused(Failure)
}
