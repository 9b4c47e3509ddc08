/// What a gate says to a request.
public enum GateDecision: Hashable, Sendable {
  /// Go; a place is taken and has to be given back.
  case `continue`
  /// Not before then. A place that frees earlier is a reason to ask again.
  case wait(until: Timestamp)
  case refuse(GateRefusal)
}

/// Why a gate refuses. What is refused here may go another way, or wait until the time given.
public enum GateRefusal: Hashable, Sendable {
  /// Calls of this account would all fail; one is let through to try at `probeAt`.
  case accountClosed(AccountFault, probeAt: Timestamp)
}
