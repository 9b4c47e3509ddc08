import BatchCore
import Ledger
import Wire

extension LedgerConformance {
  static let rule = BudgetRule(
    name: "b", matches: [.tenant: .value("acme")], limit: PicoUSD(100), interval: .day, holds: false)

  static func claim(_ ledger: TestLedger, _ amount: Int64?, holds: Bool = false, key: String = "b")
    -> BudgetClaim
  {
    BudgetClaim(
      key: key, period: rule.interval.period(at: ledger.now), limit: rule.limit, holds: holds,
      amount: amount.map { PicoUSD($0) })
  }

  static func call(
    _ ledger: TestLedger, _ name: String, _ amount: Int64?, holds: Bool = false, lane: Lane = .deferred
  ) -> TestDelivery {
    let base = lane == .deferred ? TestDelivery(name) : TestDelivery.interactive(name)
    return base.with {
      $0.budgets = [claim(ledger, amount, holds: holds)]
      $0.callCeiling = amount.map { PicoUSD($0) }
      $0.batchCeiling = $0.callCeiling
    }
  }

  static func balance(_ ledger: TestLedger, _ key: String = "b") async throws -> BudgetBalance {
    let standings = try await ledger.store.budgets(since: rule.interval.period(at: ledger.now).start)
    return standings.first { $0.key == key }?.balance ?? BudgetBalance()
  }

  static func isRefused(_ admission: Admission) -> Bool {
    if case .refused(let failure) = admission.kind { failure.code == .budgetExceeded } else { false }
  }

  static var budgeting: [Case] {
    [
      `case`("a budget takes what fits, refuses the rest, and gets back what was not used") { ledger in
        let first = try await ledger.admit(call(ledger, "a", 60, lane: .interactive))
        try requireEqual(first.kind, .new(attempt: 1))
        try requireEqual(try await balance(ledger), BudgetBalance(spent: 0, reserved: 60))
        let tooMuch = try await ledger.admit(call(ledger, "b", 41, lane: .interactive))
        try require(isRefused(tooMuch), "\(tooMuch)")
        let fits = try await ledger.admit(call(ledger, "c", 40))
        try requireEqual(fits.kind, .new(attempt: 1))
        try requireEqual(try await balance(ledger).committed, 100)
        // The same again takes nothing.
        try requireEqual(
          try await ledger.admit(call(ledger, "c", 40).with { $0.redelivered = true }).kind, .inFlight)
        try requireEqual(try await balance(ledger).committed, 100)
        try requireEqual(try await ledger.record(TestLedger.success(first.id)), .finished)
        try requireEqual(try await balance(ledger), BudgetBalance(spent: 7, reserved: 40))
        let reply = try unwrap(try await ledger.takeReplies().first { $0.id == tooMuch.id })
        try requireEqual(reply.failure?.code, .budgetExceeded)
        // Who asks again is looked at again.
        let again = try await ledger.admit(call(ledger, "b", 41, lane: .interactive))
        try requireEqual(again.kind, .new(attempt: 1))
        try requireEqual(try await balance(ledger), BudgetBalance(spent: 7, reserved: 81))
      },
      `case`("requests of one commit share a budget, and an unknown price fits into none") { ledger in
        let admissions = try await ledger.admit(
          call(ledger, "a", 40), call(ledger, "b", 40), call(ledger, "c", 40), call(ledger, "d", nil))
        try requireEqual(admissions.map(isRefused), [false, false, true, true])
        try requireEqual(try await balance(ledger).reserved, 80)
        let both = call(ledger, "e", 10).with { $0.budgets.append(claim(ledger, 200, key: "other")) }
        try require(isRefused(try await ledger.admit(both)))
        try requireEqual(try await balance(ledger).reserved, 80)
        try requireEqual(try await balance(ledger, "other"), BudgetBalance())
      },
      `case`("failed attempts are spent, unknown ones are held, and the end gives the rest back") { ledger in
        let row = try await ledger.admit(call(ledger, "a", 30, lane: .interactive).with { $0.custody = .ledger })
        let route = TestDelivery("a").route
        _ = try await ledger.store.takeParked(provider: route.provider, model: route.model, limit: 9, at: ledger.now)
        try await ledger.reopen()
        // The attempt that was lost may have cost 30, and the next may.
        try requireEqual(try await balance(ledger), BudgetBalance(spent: 30, reserved: 30))
        _ = try await ledger.store.takeParked(provider: route.provider, model: route.model, limit: 9, at: ledger.now)
        try requireEqual(try await ledger.record(TestLedger.success(row.id, attempt: 2)), .finished)
        try requireEqual(try await balance(ledger), BudgetBalance(spent: 37, reserved: 0))
        try requireEqual(try await ledger.record(TestLedger.success(row.id, attempt: 1)), .superseded)
        try requireEqual(try await balance(ledger), BudgetBalance(spent: 14, reserved: 0))
        let other = try await ledger.admit(call(ledger, "b", 30))
        try await ledger.store.fail([(other.id, Failure(.deadlineExceeded, "late"), nil)], at: ledger.now)
        try requireEqual(try await balance(ledger), BudgetBalance(spent: 14, reserved: 0))
      },
      `case`("what does not fit waits for the next period, in its order") { ledger in
        let first = try await ledger.admit(call(ledger, "a", 90))
        try requireEqual(first.kind, .new(attempt: 1))
        let waits = try await ledger.admit(call(ledger, "b", 60, holds: true, lane: .interactive))
        try requireEqual(waits.kind, .inFlight)
        try requireEqual(waits.custody, .ledger)
        let later = try await ledger.admit(call(ledger, "c", 50, holds: true))
        try requireEqual(later.kind, .inFlight)
        // Whoever could not wait that long is told at once, as is who fits into no period.
        let urgent = call(ledger, "d", 50, holds: true).with { $0.deadline = ledger.now + .seconds(10) }
        try require(isRefused(try await ledger.admit(urgent)))
        try require(isRefused(try await ledger.admit(call(ledger, "e", 101, holds: true))))
        try requireEqual(try await ledger.store.acceptedRows(after: nil, limit: 9).map(\.id), [first.id])
        try requireEqual(try await ledger.store.parkedLines().count, 0)
        var parks = rule
        parks.holds = true
        let rules = [parks]
        try requireEqual(try await ledger.store.releaseHeld(rules, limit: 9, at: ledger.now), 0)
        try await ledger.reopen()

        ledger.advance(by: .seconds(86_400))
        try requireEqual(try await ledger.store.releaseHeld(rules, limit: 9, at: ledger.now), 1)
        try requireEqual(try await balance(ledger), BudgetBalance(spent: 0, reserved: 60))
        let route = TestDelivery("b").route
        let calls = try await ledger.store.takeParked(
          provider: route.provider, model: route.model, limit: 9, at: ledger.now)
        try requireEqual(calls.map(\.id), [waits.id])
        try requireEqual(calls.map(\.body), [TestDelivery.interactive("b").requestBody])
        let attempt = try unwrap(calls.first).attempt
        try requireEqual(try await ledger.record(TestLedger.success(waits.id, attempt: attempt)), .finished)
        try requireEqual(try await ledger.store.releaseHeld(rules, limit: 9, at: ledger.now), 1)
        try requireEqual(
          try await ledger.store.acceptedRows(after: nil, limit: 9).map(\.id).contains(later.id), true)
        try requireEqual(try await balance(ledger), BudgetBalance(spent: 7, reserved: 50))
      },
      `case`("what waits for a budget can be cancelled, and goes on when there is no such budget any more") { ledger in
        _ = try await ledger.admit(call(ledger, "a", 90))
        let waits = try await ledger.admit(call(ledger, "b", 60, holds: true).with { $0.correlation = "cb" })
        let other = try await ledger.admit(call(ledger, "c", 60, holds: true).with { $0.correlation = "cc" })
        try requireEqual(
          try await ledger.store.cancel(tenant: "default", correlationID: Array("cb".utf8), at: ledger.now), [waits.id])
        try requireEqual(try await ledger.store.releaseHeld([], limit: 9, at: ledger.now), 1)
        try require(try await ledger.store.acceptedRows(after: nil, limit: 9).map(\.id).contains(other.id))
      },
      `case`("one of all says that a budget nears its end, once a period") { ledger in
        _ = try await ledger.admit(call(ledger, "a", 90))
        let period = rule.interval.period(at: ledger.now).start
        try require(try await ledger.store.claimBudgetAlert("b", period: period))
        try require(!(try await ledger.store.claimBudgetAlert("b", period: period)))
        try await ledger.reopen()
        try require(!(try await ledger.store.claimBudgetAlert("b", period: period)))
      },
    ] + holding + counting
  }
}
