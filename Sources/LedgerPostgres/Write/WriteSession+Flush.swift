import BatchCore
import Ledger
import LedgerRules
import Wire

/// Sends what was gathered.
extension WriteSession {
  func flush() throws {
    try flushAttempts()
    try flushBodies()
    try settleBudgets()
    if pending.replies.isEmpty { return }
    try statements().outcomes.insertReplies(pending.replies, owner: replica)
    pending.replies = []
  }

  /// Before attempts are looked at.
  func flushAttempts() throws {
    if pending.attempts.isEmpty { return }
    let routes = try pending.attempts.map { try $0.outcome.route.map { Int32(clamping: try id(of: $0)) } }
    let added = try statements().outcomes.insertAttempts(pending.attempts, routes: routes)
    pending.attempts = []
    try statements().costs.add(added, sign: 1, replica: replica)
  }

  /// Before a body is changed.
  func flushBodies() throws {
    if pending.bodies.isEmpty { return }
    try statements().admissions.insertBodies(pending.bodies)
    pending.bodies = []
  }
}
