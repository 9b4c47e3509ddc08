/// What a gate says to a request.
public enum GateDecision: Hashable, Sendable {
  /// Go; a place is taken and has to be given back.
  case `continue`(Reservation)
  /// Not before then. A place that frees earlier is a reason to ask again.
  case wait(until: Timestamp)
  case refuse(GateRefusal)
}

/// Why a gate refuses. What is refused here may go another way, or wait until the time given.
public struct GateRefusal: Hashable, Sendable {
  public var cause: CircuitBreaker.Cause
  /// When one call may try again.
  public var until: Timestamp

  public init(_ cause: CircuitBreaker.Cause, until: Timestamp) {
    self.cause = cause
    self.until = until
  }
}
