import BatchCore
import Ledger
import LedgerRules

/// Removes what the reader found, unless it was asked for again meanwhile.
extension WriteSession {
  func removeRequests(_ found: RetentionReader.Found, before: Timestamp) throws -> Int {
    let ready = try retention.ready(after: found.lastReply)
    try retention.keepIDs()
    try retention.removeBudgets(before: before)
    return try found.requests.count { id in try !ready.contains(id) && retention.remove(id, before: before) }
  }

  func removeBatches(_ found: RetentionReader.Found) throws -> Int {
    try found.batches.count { try retention.removeBatch($0) }
  }

  /// `isComplete` is false when some responses are to be found again.
  func removeBodies(_ found: RetentionReader.Found) throws -> (removed: Int, isComplete: Bool) {
    let ready = try retention.ready(after: found.lastReply)
    var removed = try found.bodies.count { id in try !ready.contains(id) && retention.removeBody(of: id) }
    var last: Int64?
    var isComplete = true
    for response in found.responses {
      if ready.contains(response.request) {
        isComplete = false
        break
      }
      if try retention.drop(response) { removed += 1 }
      last = response.attempt
    }
    if let last { try retention.setDropped(to: last) }
    return (removed, isComplete)
  }
}
