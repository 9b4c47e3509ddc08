/// When to ask for a batch's state: often while it is young, at a tenth of its age later, so that being late costs at
/// most about a tenth of the time that it took.
public struct PollSchedule: Hashable, Sendable {
  public var first: Duration
  public var longest: Duration

  public init(first: Duration, longest: Duration = .seconds(60)) {
    self.first = first
    self.longest = longest
  }

  /// The pause at that age; at least `first`.
  public func interval(age: Duration) -> Duration {
    max(first, .milliseconds(1), min(longest, age / 10))
  }

  /// When to poll next. Up to a tenth of the interval is taken off at random, so that batches made together spread out.
  public func next(createdAt: Timestamp, now: Timestamp, random: UInt64) -> Timestamp {
    let interval = interval(age: now - createdAt)
    return now + (interval - Backoff.spread(below: interval / 10, random: random))
  }
}
