import BatchCore
import Ledger

/// Answers the rows of a batch that nobody has a result for, and that may have been paid.
struct MissingResults: Sendable {
  let context: WorkerContext

  /// Returns whether it is done; else the process is stopping.
  func answer(_ batch: BatchRecord, _ failure: Failure) async -> Bool {
    var after: RequestID?
    while true {
      let from = after
      let rows = await context.retry("look for missing results") { () async throws(LedgerError) in
        try await context.ledger.unsettledRows(batch.id, after: from, limit: 1000)
      }
      guard let rows else { return false }
      guard let last = rows.last else { break }
      after = last.id
      let outcomes = rows.map {
        AttemptOutcome(
          id: $0.id, attempt: $0.attempt, batch: batch.id, verdict: .finish(failure), costUnknown: true)
      }
      let done = await context.retry("record missing results") { () async throws(LedgerError) in
        try await context.ledger.record(outcomes, at: context.time.now())
      }
      guard done != nil else { return false }
      context.metrics.outcome(lane: .deferred, succeeded: false, by: outcomes.count)
    }
    context.outboxReady.raise()
    let settled: Void? = await context.retry("settle a batch") { () async throws(LedgerError) in
      try await context.ledger.settle(batch.id, at: context.time.now())
    }
    return settled != nil
  }
}
