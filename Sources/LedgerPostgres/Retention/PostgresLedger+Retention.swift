public import BatchCore
public import Ledger
import LedgerRules

extension PostgresLedger {
  public func purge(
    finishedBefore: Timestamp, bodiesBefore: Timestamp, limit: Int
  ) async throws(LedgerError) -> PurgedRows {
    var purged = PurgedRows()
    purged.requests = try await commits.perform(rows: limit) {
      try $0.statements().retention.removeRequests(before: finishedBefore, limit: limit)
    }
    if purged.requests < limit {
      purged.batches = try await commits.perform(rows: limit) {
        try $0.statements().retention.removeBatches(before: finishedBefore, limit: limit)
      }
    }
    var isAtEnd = false
    // What has no body any more costs a look and no more.
    while !isAtEnd, purged.bodies < limit {
      let step = try await commits.perform(rows: limit) {
        try $0.statements().retention.dropBodies(before: bodiesBefore, limit: limit)
      }
      purged.bodies += step.dropped
      isAtEnd = step.isAtEnd
    }
    return purged
  }
}
