public import BatchCore
public import Ledger
import LedgerRules

// MARK: - Money

extension PostgresLedger {
  public func costs(_ query: CostQuery) async throws(LedgerError) -> CostReport {
    try await costs.read { try $0.report(query) }
  }

  public func budgets(since: Timestamp) async throws(LedgerError) -> [BudgetStanding] {
    try await costs.read { try $0.budgets(since: since) }
  }

  public func claimBudgetAlert(_ key: String, period: Timestamp) async throws(LedgerError) -> Bool {
    try await commits.perform(rows: 1) { try $0.statements().budgets.claimAlert(key, period: period) }
  }

  public func releaseHeld(_ rules: [BudgetRule], limit: Int, at now: Timestamp) async throws(LedgerError) -> Int {
    try await commits.perform(rows: limit) { try $0.releaseHeld(rules, limit: limit, at: now) }
  }
}
