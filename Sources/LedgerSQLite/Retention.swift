public import BatchCore
public import Ledger
import LedgerRules

extension SQLiteLedger {
  public func purge(
    finishedBefore: Timestamp, bodiesBefore: Timestamp, limit: Int
  ) async throws(LedgerError) -> PurgedRows {
    var found = RetentionReader.Found()
    var isAtEnd = false
    while !isAtEnd {
      // A page at a time, and a snapshot each: a long one would keep the log from being written back.
      (found, isAtEnd) = try await retention.read { [found] reader in
        var found = found
        let isAtEnd = try reader.find(
          finishedBefore: finishedBefore, bodiesBefore: bodiesBefore, &found, limit: limit)
        return (found, isAtEnd)
      }
    }
    do throws(LedgerError) {
      return try await remove(found, before: finishedBefore)
    } catch {
      _ = try? await retention.read { $0.startAgain() }
      throw error
    }
  }

  /// In a commit each, so that none holds the writer for long.
  private func remove(
    _ found: RetentionReader.Found, before: Timestamp
  ) async throws(LedgerError) -> PurgedRows {
    var purged = PurgedRows()
    if !found.requests.isEmpty {
      purged.requests = try await commits.perform(rows: found.requests.count) { session in
        try session.removeRequests(found, before: before)
      }
    }
    if !found.batches.isEmpty {
      purged.batches = try await commits.perform(rows: found.batches.count) { try $0.removeBatches(found) }
    }
    if !found.bodies.isEmpty || !found.responses.isEmpty {
      let count = found.bodies.count + found.responses.count
      let (removed, isComplete) = try await commits.perform(rows: count) { try $0.removeBodies(found) }
      purged.bodies = removed
      if !isComplete { try await retention.read { $0.startAgain() } }
    }
    return purged
  }
}
