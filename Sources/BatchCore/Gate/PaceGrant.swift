/// What a replica may do until it asks again.
public struct PaceGrant: Hashable, Sendable {
  public enum Verdict: Hashable, Sendable {
    case closed
    /// One call may try.
    case probe(CircuitBreaker.Cause)
    case refuse(CircuitBreaker.Cause, for: Duration)
    /// Another's call tries.
    case probing(CircuitBreaker.Cause)
  }

  public var amount: PaceAmount
  /// Calls in flight, at most.
  public var allotted: Int
  public var stamp: PaceStamp
  public var pausedFor: Duration?
  public var verdict: Verdict
  /// When there may be more for what was not granted.
  public var moreAfter: Duration
  /// Whether no limit by the minute is known, so that nothing need be granted.
  public var isUnlimited: Bool
  /// The limits in force, configured and learned: what replicas that have called nothing yet know of them too.
  public var perMinute: [PaceResource: Double]
  /// Whether it was this report that opened the breaker, closed it, or changed why it is open: of all replicas, one is to
  /// say so.
  public var turnedBreaker: Bool
}
