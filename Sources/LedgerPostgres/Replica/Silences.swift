/// Who has not renewed a lease for how long, by this process's boot-time clock: other clocks may be set. Pure.
struct Silences {
  private struct Seen {
    var renewals: Int64
    var since: ContinuousClock.Instant
  }

  private var seen: [Int64: Seen] = [:]

  /// Those whose count has stood still for a whole lease of theirs.
  ///
  /// - Parameter mayJudge: whether this process has heard from the server all along; silence before counts for nothing.
  mutating func observe(
    _ others: [ReplicaStatements.Other], mayJudge: Bool, at now: ContinuousClock.Instant
  ) -> Set<Int64> {
    guard mayJudge else {
      seen = [:]
      return []
    }
    seen = seen.filter { entry in others.contains { $0.id == entry.key } }
    var silent: Set<Int64> = []
    for other in others {
      if let before = seen[other.id], before.renewals == other.renewals {
        if now - before.since >= other.lease { silent.insert(other.id) }
      } else {
        seen[other.id] = Seen(renewals: other.renewals, since: now)
      }
    }
    return silent
  }

  /// Whether one that is silent has been so for twice as long as it takes: what it holds on to does not end by itself.
  func isStuck(_ other: ReplicaStatements.Other, at now: ContinuousClock.Instant) -> Bool {
    guard let before = seen[other.id], before.renewals == other.renewals else { return false }
    return now - before.since >= other.lease * 2
  }
}
