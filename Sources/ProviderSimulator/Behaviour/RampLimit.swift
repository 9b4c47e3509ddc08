/// How fast the rate of calls may grow: a second allows as many calls as were let through in the second before, halved
/// for every idle second since, and the ramp more. Pure; time is in nanoseconds of a monotonic clock.
struct RampLimit: Sendable {
  private var second = 0
  private var count = 0
  private var base = 0

  /// Milliseconds to wait if one more call in this second would be too many.
  mutating func wait(ramp: Int, now: Int) -> Int? {
    move(to: now / 1_000_000_000)
    guard count >= base + ramp else { return nil }
    return max(1, 1000 - now % 1_000_000_000 / 1_000_000)
  }

  /// Counts a call that is let through.
  mutating func take(now: Int) {
    move(to: now / 1_000_000_000)
    count += 1
  }

  private mutating func move(to now: Int) {
    guard now > second else { return }
    let idle = now - second - 1
    base = idle < Int.bitWidth - 1 ? count >> idle : 0
    (second, count) = (now, 0)
  }
}
