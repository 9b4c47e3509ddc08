public import BatchCore

/// A breaker that is not closed, told in durations: whose clock its gate goes by does not matter.
public struct OpenBreaker: Hashable, Sendable {
  public var key: GateKey
  public var cause: CircuitBreaker.Cause
  /// Whether a call tries now.
  public var isProbing: Bool
  /// For how long; nil where an older version opened it.
  public var age: Duration?
  /// Until one call may try, or the next if one does.
  public var nextProbe: Duration

  /// Nil where the breaker is closed.
  ///
  /// - Parameter now: by the clock of the breaker's times.
  public init?(_ key: GateKey, _ breaker: CircuitBreaker, now: Timestamp) {
    switch breaker.state {
    case .closed: return nil
    case .open(let cause, let until): (self.cause, isProbing, nextProbe) = (cause, false, max(.zero, until - now))
    case .probing(let cause, _, let until): (self.cause, isProbing, nextProbe) = (cause, true, max(.zero, until - now))
    }
    self.key = key
    age = breaker.openedAt.map { max(.zero, now - $0) }
  }
}
