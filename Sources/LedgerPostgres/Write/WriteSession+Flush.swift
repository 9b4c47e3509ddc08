import BatchCore
import Ledger
import LedgerRules
import Wire

/// Sends what was gathered.
extension WriteSession {
  func flush() throws {
    try flushAttempts()
    try flushBodies()
    if pending.replies.isEmpty { return }
    try statements().outcomes.insertReplies(pending.replies, owner: replica)
    pending.replies = []
  }

  /// Before attempts are looked at.
  func flushAttempts() throws {
    if pending.attempts.isEmpty { return }
    try statements().outcomes.insertAttempts(pending.attempts)
    pending.attempts = []
  }

  /// Before a body is changed.
  func flushBodies() throws {
    if pending.bodies.isEmpty { return }
    try statements().admissions.insertBodies(pending.bodies)
    pending.bodies = []
  }
}
