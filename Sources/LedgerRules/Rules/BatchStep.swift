package import BatchCore
package import Ledger

/// What concerns every row of a batch is done a step at a time, so that whoever waits for a commit meanwhile waits for one.
/// While nobody does, a commit takes many steps.
enum BatchStep {
  /// Rows of a step: their work takes about as long as the commit.
  static var rows: Int { 128 }
  /// Of one commit.
  static var most: Int { 32 }
}

extension GroupCommit where Session: LedgerTables {
  /// See `LedgerStore.plan`.
  package func plan(_ plan: BatchPlan, at now: Timestamp) async throws(LedgerError) -> PlannedBatch {
    var planned = PlannedBatch(batch: nil, expired: [])
    var left = plan.steps[...]
    while !left.isEmpty {
      let (done, count) = try await perform(rows: BatchStep.rows) { [self, left] session in
        var done = PlannedBatch(batch: nil, expired: [])
        var count = 0
        for rows in left.prefix(BatchStep.most) {
          // From here on the rest is another commit's: no step is left out.
          if count > 0, isAwaited { break }
          done.add(try session.plan(plan, rows, at: now))
          count += 1
        }
        return (done, count)
      }
      planned.add(done)
      left = left.dropFirst(count)
    }
    return planned
  }

  /// See `LedgerStore.abandon`.
  package func abandon(
    _ batch: BatchID, notBefore: Timestamp, limit: AttemptOutcome.Limit?, costUnknown: Bool, at now: Timestamp
  ) async throws(LedgerError) {
    var isDone = false
    while !isDone {
      isDone = try await perform(rows: BatchStep.rows) { [self] session in
        var (isDone, count) = (false, 0)
        repeat {
          isDone = try session.abandon(batch, notBefore: notBefore, limit: limit, costUnknown: costUnknown, at: now)
          count += 1
        } while !isDone && count < BatchStep.most && !isAwaited
        return isDone
      }
    }
  }
}

extension PlannedBatch {
  /// What a later step made of the plan.
  fileprivate mutating func add(_ step: PlannedBatch) {
    batch = step.batch
    expired += step.expired
    expedited += step.expedited
  }
}
