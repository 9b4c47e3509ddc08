package import BatchCore
package import Ledger

/// What concerns every row of a batch is done a step at a time, each in a transaction of its own.
enum BatchStep {
  /// Rows of a step: their work takes about as long as the commit.
  static var rows: Int { 128 }
}

extension GroupCommit where Session: LedgerTables {
  /// See `LedgerStore.plan`.
  package func plan(_ plan: BatchPlan, at now: Timestamp) async throws(LedgerError) -> PlannedBatch {
    var planned = PlannedBatch(batch: nil, expired: [])
    for rows in plan.steps {
      let step = try await perform(rows: rows.count) { try $0.plan(plan, rows, at: now) }
      planned.batch = step.batch
      planned.expired += step.expired
      planned.expedited += step.expedited
    }
    return planned
  }

  /// See `LedgerStore.abandon`.
  package func abandon(
    _ batch: BatchID, notBefore: Timestamp, limit: AttemptOutcome.Limit?, costUnknown: Bool, at now: Timestamp
  ) async throws(LedgerError) {
    var isDone = false
    while !isDone {
      isDone = try await perform(rows: BatchStep.rows) {
        try $0.abandon(batch, notBefore: notBefore, limit: limit, costUnknown: costUnknown, at: now)
      }
    }
  }
}
