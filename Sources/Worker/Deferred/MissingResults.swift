import BatchCore
import Ledger

/// Answers the rows of a batch that nobody has a result for, and that may have been paid.
struct MissingResults: Sendable {
  let context: WorkerContext

  /// Returns whether it is done; else the process is stopping.
  func answer(_ batch: BatchRecord, _ failure: Failure) async -> Bool {
    while !Task.isCancelled {
      guard await answerAll(batch, failure) else { return false }
      let settled = await context.retry.unlessRefused("settle a batch") { () async throws(LedgerError) in
        try await context.ledger.settle(batch.id, at: context.time.now())
      }
      switch settled {
      case .success: return true
      case nil: return false
      // Rows whose other attempt failed have come back to the batch meanwhile.
      case .failure: try? await context.time.sleep(for: .seconds(1))
      }
    }
    return false
  }

  private func answerAll(_ batch: BatchRecord, _ failure: Failure) async -> Bool {
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
          id: $0.id, attempt: $0.attempt, batch: batch.id, verdict: .finish(failure), costUnknown: true,
          route: Route(provider: batch.key.provider, model: batch.key.model))
      }
      guard await context.recorder.record("record missing results", outcomes) != nil else { return false }
      context.metrics.outcome(lane: .deferred, succeeded: false, by: outcomes.count)
    }
    context.outboxReady.raise()
    return true
  }
}
