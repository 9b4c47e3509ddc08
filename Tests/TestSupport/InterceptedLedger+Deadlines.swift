public import BatchCore
public import Ledger

extension InterceptedLedger {
  public func expedite(_ rows: [RequestID], at now: Timestamp) async throws(LedgerError) -> Int {
    try await through(.expedite) { () async throws(LedgerError) in try await base.expedite(rows, at: now) }
  }

  public func dueRows(_ route: Route, after: Timestamp, limit: Int) async throws(LedgerError) -> [DueRows] {
    try await through(.dueRows) { () async throws(LedgerError) in
      try await base.dueRows(route, after: after, limit: limit)
    }
  }

  public func batchRuns(account: String, limit: Int, at now: Timestamp) async throws(LedgerError) -> [ModelRun] {
    try await through(.batchRuns) { () async throws(LedgerError) in
      try await base.batchRuns(account: account, limit: limit, at: now)
    }
  }

  public func rescue(_ batch: BatchID, _ rescue: BatchRescue, at now: Timestamp) async throws(LedgerError)
    -> [RescuedRow]
  {
    try await through(.rescue) { () async throws(LedgerError) in try await base.rescue(batch, rescue, at: now) }
  }

  public func doubleSpend(since: Timestamp) async throws(LedgerError) -> PicoUSD {
    try await through(.doubleSpend) { () async throws(LedgerError) in try await base.doubleSpend(since: since) }
  }

  public func hasOutcome(_ row: RequestID) async throws(LedgerError) -> Bool {
    try await through(.hasOutcome) { () async throws(LedgerError) in try await base.hasOutcome(row) }
  }

  public func costs(_ query: CostQuery) async throws(LedgerError) -> CostReport {
    try await through(.costs) { () async throws(LedgerError) in try await base.costs(query) }
  }

  public func budgets(since: Timestamp) async throws(LedgerError) -> [BudgetStanding] {
    try await through(.budgets) { () async throws(LedgerError) in try await base.budgets(since: since) }
  }

  public func claimBudgetAlert(_ key: String, period: Timestamp) async throws(LedgerError) -> Bool {
    try await through(.claimBudgetAlert) { () async throws(LedgerError) in
      try await base.claimBudgetAlert(key, period: period)
    }
  }

  public func releaseHeld(_ rules: [BudgetRule], limit: Int, at now: Timestamp) async throws(LedgerError) -> Int {
    try await through(.releaseHeld) { () async throws(LedgerError) in
      try await base.releaseHeld(rules, limit: limit, at: now)
    }
  }
}
