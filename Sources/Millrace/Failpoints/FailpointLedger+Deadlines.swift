#if FAILPOINTS
  import BatchCore
  import Ledger
  import Threading

  extension FailpointLedger {
    func expedite(_ rows: [RequestID], at now: Timestamp) async throws(LedgerError) -> Int {
      try await around(.expedite) { () async throws(LedgerError) in try await ledger.expedite(rows, at: now) }
    }

    func dueRows(_ route: Route, after: Timestamp, limit: Int) async throws(LedgerError) -> [DueRows] {
      try await ledger.dueRows(route, after: after, limit: limit)
    }

    func batchRuns(account: String, limit: Int, at now: Timestamp) async throws(LedgerError) -> [ModelRun] {
      try await ledger.batchRuns(account: account, limit: limit, at: now)
    }

    func rescue(_ batch: BatchID, _ rescue: BatchRescue, at now: Timestamp) async throws(LedgerError) -> [RescuedRow] {
      try await around(.rescue) { () async throws(LedgerError) in try await ledger.rescue(batch, rescue, at: now) }
    }

    func doubleSpend(since: Timestamp) async throws(LedgerError) -> PicoUSD {
      try await ledger.doubleSpend(since: since)
    }

    func hasOutcome(_ row: RequestID) async throws(LedgerError) -> Bool {
      try await ledger.hasOutcome(row)
    }

    func costs(_ query: CostQuery) async throws(LedgerError) -> CostReport { try await ledger.costs(query) }

    func budgets(since: Timestamp) async throws(LedgerError) -> [BudgetStanding] {
      try await ledger.budgets(since: since)
    }

    func claimBudgetAlert(_ key: String, period: Timestamp) async throws(LedgerError) -> Bool {
      try await ledger.claimBudgetAlert(key, period: period)
    }

    func releaseHeld(_ rules: [BudgetRule], limit: Int, at now: Timestamp) async throws(LedgerError) -> Int {
      try await ledger.releaseHeld(rules, limit: limit, at: now)
    }
  }
#endif
