/// How long to wait before the next attempt. Randomness is passed in.
public enum Backoff {
  /// Full jitter: anything from nothing to `base` doubled with every attempt, at most `cap`.
  /// - Parameter attempt: the number of the attempt that failed, from 1.
  public static func delay(attempt: Int, base: Duration, cap: Duration, random: UInt64) -> Duration {
    spread(below: ceiling(attempt: attempt, base: base, cap: cap), random: random)
  }

  /// The same, but never earlier than the provider asks for, unless that is beyond `maximumRetryAfter`.
  ///
  /// A tenth of the wait is added at random, so that those who were told the same do not return together.
  public static func delay(
    attempt: Int, base: Duration, cap: Duration, retryAfter: Duration?, maximumRetryAfter: Duration, random: UInt64
  ) -> Duration {
    guard let retryAfter, retryAfter > .zero else {
      return delay(attempt: attempt, base: base, cap: cap, random: random)
    }
    let wait = min(retryAfter, max(.zero, maximumRetryAfter))
    return wait + spread(below: wait / 10, random: random)
  }

  /// `base` doubled for every attempt after the first, at most `cap`.
  static func ceiling(attempt: Int, base: Duration, cap: Duration) -> Duration {
    let first = max(0, base.wholeMilliseconds)
    let doublings = max(1, attempt) - 1
    let isBeyond = doublings >= 62 || first > Int64.max >> Int64(doublings)
    return min(max(.zero, cap), isBeyond ? cap : .milliseconds(first << Int64(doublings)))
  }

  /// From zero to the given duration, both included.
  static func spread(below ceiling: Duration, random: UInt64) -> Duration {
    let bound = UInt64(max(0, ceiling.wholeMilliseconds)) + 1
    return .milliseconds(Int64(random.multipliedFullWidth(by: bound).high))
  }
}
