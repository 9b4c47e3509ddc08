import BatchCore
import Ledger
import LedgerRules

/// Going on with what replicas that are gone have left.
extension WriteSession {
  /// What one replica takes at a time, so that the others get their share.
  private static var batchShare: Int { 8 }
  private static var replyShare: Int { 2000 }
  private static var claimShare: Int { 500 }

  /// - Parameter mayJudge: whether another's silence means that it is gone.
  func takeOver(mayJudge: Bool, at time: Timestamp) throws -> TakenOver {
    var taken = TakenOver()
    let replicas = try statements().replicas
    guard try replicas.lockTakeOver() else { return taken }
    let others = try replicas.others(than: replica)
    let now = ContinuousClock.now
    let silent = silences.observe(others, mayJudge: mayJudge, at: now)
    for other in others where silent.contains(other.id) || other.process.hasEnded {
      if try !replicas.fence(other), silences.isStuck(other, at: now) { try replicas.endSession(of: other) }
    }
    try replicas.dropOffers()
    let gone = try replicas.gone()
    if gone.isEmpty { return taken }
    taken.batches = try replicas.takeBatches(of: gone, limit: Self.batchShare, for: replica)
    let parked = try replicas.parkClaims(of: gone, limit: Self.claimShare, at: time, makeID: makeAttemptID)
    try statements().costs.add(parked.lost, sign: 1, replica: replica)
    pending.budgets.touched.formUnion(parked.requests)
    taken.parked = !parked.requests.isEmpty
    taken.replies =
      try replicas.takeReplies(of: gone, limit: Self.replyShare, for: replica, makePlace: makePlace) > 0
    taken.windows = try replicas.dropWindows(of: gone)
    try replicas.forget(gone)
    return taken
  }
}
