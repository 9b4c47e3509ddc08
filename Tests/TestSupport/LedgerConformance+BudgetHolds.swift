import BatchCore
import Ledger
import Wire

/// What waits for a budget, and what counts in it though nobody knows what it cost.
extension LedgerConformance {
  private static func rule(_ name: String, _ limit: Int64, _ interval: BudgetInterval, holds: Bool) -> BudgetRule {
    BudgetRule(name: name, matches: [.tenant: .each], limit: PicoUSD(limit), interval: interval, holds: holds)
  }

  private static func call(
    _ ledger: TestLedger, _ name: String, _ amount: Int64, _ claims: [(key: String, rule: BudgetRule)]
  ) -> TestDelivery {
    TestDelivery(name).with {
      $0.callCeiling = PicoUSD(amount)
      $0.batchCeiling = PicoUSD(amount)
      $0.budgets = claims.map { claim in
        BudgetClaim(
          key: claim.key, period: claim.rule.interval.period(at: ledger.now), limit: claim.rule.limit,
          holds: claim.rule.holds, amount: PicoUSD(amount))
      }
    }
  }

  static var holding: [Case] {
    let day = rule("day", 100, .day, holds: true)
    let month = rule("month", 1000, .month, holds: true)
    let strict = rule("strict", 120, .month, holds: false)
    let rules = [day, month, strict]
    return [
      `case`("a budget that refuses does so whatever else the call could wait for") { ledger in
        let claims = [("day", day), ("strict\u{1F}x", strict)]
        try requireEqual(try await ledger.admit(call(ledger, "a", 90, claims)).kind, .new(attempt: 1))
        let refused = try await ledger.admit(call(ledger, "b", 40, claims))
        guard case .refused(let failure) = refused.kind else { throw ConformanceFailure(description: "\(refused)") }
        try requireEqual(failure.code, .budgetExceeded)
        try require(failure.message.contains("strict of x"), failure.message)
        try require(failure.message.contains("begins anew at 2023-12-01T00:00:00"), failure.message)
      },
      `case`("who waits for one budget keeps nobody of another waiting") { ledger in
        // X has used up its month, and the day that all share is full.
        _ = try await ledger.admit(call(ledger, "x1", 950, [("month\u{1F}x", month)]))
        _ = try await ledger.admit(call(ledger, "a", 100, [("day", day)]))
        let first = try await ledger.admit(call(ledger, "x2", 60, [("day", day), ("month\u{1F}x", month)]))
        let second = try await ledger.admit(call(ledger, "y", 60, [("day", day), ("month\u{1F}y", month)]))
        try requireEqual([first.kind, second.kind], [.inFlight, .inFlight])
        ledger.advance(by: .seconds(86_400))
        try requireEqual(try await ledger.store.releaseHeld(rules, limit: 9, at: ledger.now), 1)
        var accepted = try await ledger.store.acceptedRows(after: nil, limit: 9).map(\.id)
        try require(accepted.contains(second.id) && !accepted.contains(first.id), "\(accepted)")
        ledger.advance(by: .seconds(31 * 86_400))
        try requireEqual(try await ledger.store.releaseHeld(rules, limit: 9, at: ledger.now), 1)
        accepted = try await ledger.store.acceptedRows(after: nil, limit: 9).map(\.id)
        try require(accepted.contains(first.id), "\(accepted)")
        try requireEqual(try await ledger.store.releaseHeld(rules, limit: 9, at: ledger.now), 0)
      },
      `case`("what can wait no longer is answered: it is late, or more than the limit is now") { ledger in
        _ = try await ledger.admit(call(ledger, "a", 100, [("day", day)]))
        let large = try await ledger.admit(call(ledger, "b", 90, [("day", day)]))
        let behind = try await ledger.admit(call(ledger, "c", 20, [("day", day)]))
        let late = try await ledger.admit(
          call(ledger, "d", 20, [("day", day)]).with { $0.deadline = ledger.now + .seconds(100_000) })
        try requireEqual([large, behind, late].map(\.kind), [.inFlight, .inFlight, .inFlight])
        let lower = rule("day", 50, .day, holds: true)
        try requireEqual(try await ledger.store.releaseHeld([lower], limit: 9, at: ledger.now), 1)
        // Whoever is first has not been reached meanwhile.
        ledger.advance(by: .seconds(100_001))
        try requireEqual(try await ledger.store.releaseHeld([lower], limit: 9, at: ledger.now), 2)
        let replies = try await ledger.takeReplies()
        try requireEqual(replies.first { $0.id == large.id }?.failure?.code, .budgetExceeded)
        try requireEqual(replies.first { $0.id == late.id }?.failure?.code, .deadlineExceeded)
        try require(try await ledger.store.acceptedRows(after: nil, limit: 9).map(\.id).contains(behind.id))
        try requireEqual(try await ledger.store.releaseHeld([lower], limit: 9, at: ledger.now), 0)
      },
    ]
  }

  private static func committed(_ ledger: TestLedger) async throws -> BudgetBalance? {
    try await ledger.store.budgets(since: Timestamp(milliseconds: 0)).first { $0.key == "day" }?.balance
  }

  static var counting: [Case] {
    let day = rule("day", 1000, .day, holds: false)
    return [
      `case`("an answer whose price is not known counts as what it was to cost at most") { ledger in
        let row = try await ledger.admit(call(ledger, "a", 60, [("day", day)]))
        let batch = try await ledger.batch(row.id)
        var answer = TestLedger.success(row.id, batch: batch.id)
        answer.cost = nil
        try requireEqual(try await ledger.record(answer), .finished)
        try requireEqual(try await committed(ledger), BudgetBalance(spent: 60, reserved: 0))
      },
      `case`("an answer that does not say what it used counts as what it was to cost at most") { ledger in
        let row = try await ledger.admit(call(ledger, "a", 60, [("day", day)]))
        let batch = try await ledger.batch(row.id)
        var answer = TestLedger.success(row.id, batch: batch.id)
        (answer.usage, answer.cost, answer.costUnknown) = (nil, nil, true)
        try requireEqual(try await ledger.record(answer), .finished)
        try requireEqual(try await committed(ledger), BudgetBalance(spent: 60, reserved: 0))
        let total = try await ledger.store.costs(CostQuery(dimensions: [], days: 0...100_000, limit: 9)).total
        try requireEqual([total.attempts, total.unknown, total.held], [1, 1, 60])
      },
      `case`("rows that may have run in an abandoned batch are held until their results are seen") { ledger in
        let limit = AttemptOutcome.Limit(maximumAttempts: 9, failure: Failure(.resultMissing, "gone"))
        for (name, limit, spent) in [("a", nil, Int64(60)), ("b", limit, 67 + 60)]
          as [(String, AttemptOutcome.Limit?, Int64)]
        {
          let row = try await ledger.admit(call(ledger, name, 60, [("day", day)]))
          let first = try await ledger.batch(row.id)
          try await ledger.store.abandon(
            first.id, notBefore: ledger.now, limit: limit, costUnknown: true, at: ledger.now)
          try requireEqual(try await committed(ledger), BudgetBalance(spent: spent, reserved: 60))
          let second = try await ledger.batch(row.id)
          try requireEqual(
            try await ledger.record(TestLedger.success(row.id, attempt: 2, batch: second.id)), .finished)
          try requireEqual(try await committed(ledger), BudgetBalance(spent: spent + 7, reserved: 0))
        }
        let total = try await ledger.store.costs(CostQuery(dimensions: [], days: 0...100_000, limit: 9)).total
        try requireEqual([total.attempts, total.unknown, total.held], [4, 2, 120])
      },
    ]
  }
}
