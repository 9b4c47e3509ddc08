/// Whether calls that have no time to wait would pass a gate.
public enum GateOpenness: Int, Comparable, Sendable {
  /// Its breaker is open, or the provider wants a pause that is too long.
  case closed = 0
  /// One call may try whether the account answers again.
  case trying = 1
  case open = 2

  public static func < (left: GateOpenness, right: GateOpenness) -> Bool { left.rawValue < right.rawValue }
}
