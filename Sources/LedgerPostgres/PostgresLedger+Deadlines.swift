public import BatchCore
public import Ledger
import LedgerRules

// MARK: - Deadlines

extension PostgresLedger {
  public func expedite(_ rows: [RequestID], at now: Timestamp) async throws(LedgerError) -> Int {
    if rows.isEmpty { return 0 }
    return try await commits.perform(rows: rows.count) {
      try $0.expedite(rows.map(\.rawValue).sorted(), notBefore: now)
    }
  }

  public func dueRows(_ route: Route, after: Timestamp, limit: Int) async throws(LedgerError) -> [DueRows] {
    try await deadlines.read { try $0.due(route, after: after, limit: limit) }
  }

  public func batchRuns(account: String, limit: Int, at now: Timestamp) async throws(LedgerError) -> [ModelRun] {
    try await deadlines.read { try $0.runs(account: account, limit: limit, at: now) }
  }

  public func rescue(
    _ batch: BatchID, _ rescue: BatchRescue, at now: Timestamp
  ) async throws(LedgerError) -> [RescuedRow] {
    try await commits.perform(rows: rescue.rowCount) { try $0.rescue(batch, rescue, at: now) }
  }

  public func doubleSpend(since: Timestamp) async throws(LedgerError) -> PicoUSD {
    try await deadlines.read { try $0.doubleSpend(since: since) }
  }

  public func hasOutcome(_ row: RequestID) async throws(LedgerError) -> Bool {
    try await rows.read { try $0.deadlines.hasOutcome(row) }
  }
}
