/// Time that stands still while the broker reads nothing, so that an alarm uses up nobody's deadline.
struct ActiveTime {
  private let start = ContinuousClock.now
  private var idle = Duration.zero
  private var pausedAt: ContinuousClock.Instant?

  var isPaused: Bool { pausedAt != nil }

  func elapsed(now: ContinuousClock.Instant) -> Duration { (pausedAt ?? now) - start - idle }

  mutating func pause(now: ContinuousClock.Instant) {
    if pausedAt == nil { pausedAt = now }
  }

  mutating func resume(now: ContinuousClock.Instant) {
    if let pausedAt { idle += now - pausedAt }
    pausedAt = nil
  }
}
