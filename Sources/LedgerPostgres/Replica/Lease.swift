/// How long this process may act on its own authority. Pure; times are of the machine's boot-time clock, which goes on
/// while the machine is suspended.
///
/// A renewal counts from before it was asked for, so that the server's end of the lease is never earlier than ours.
struct Lease: Sendable {
  let duration: Duration
  private(set) var renewedAt: ContinuousClock.Instant
  /// Since when no renewal was late.
  private(set) var steadySince: ContinuousClock.Instant
  private(set) var isLost = false

  init(duration: Duration, takenAt: ContinuousClock.Instant) {
    self.duration = duration
    renewedAt = takenAt
    steadySince = takenAt
  }

  var interval: Duration { duration / 3 }

  mutating func renewed(askedAt: ContinuousClock.Instant, answeredAt: ContinuousClock.Instant) {
    // An outage that is long enough to end the lease of another shows here as a gap of two intervals at least.
    if answeredAt - renewedAt > interval * 2 { steadySince = answeredAt }
    renewedAt = max(renewedAt, askedAt)
  }

  mutating func lost() { isLost = true }

  /// Zero when it may have ended.
  func left(at now: ContinuousClock.Instant) -> Duration {
    isLost ? .zero : max(.zero, duration - (now - renewedAt))
  }

  /// Whether another's silence means something: if the server was away, everybody's lease has ended, and who comes back
  /// first must not take the others for dead.
  func mayJudge(at now: ContinuousClock.Instant) -> Bool {
    !isLost && now - renewedAt < duration && now - steadySince >= interval * 2
  }
}
