/// Which synchronous work goes first where both wait for the same places.
public enum CallClass: UInt8, Hashable, Sendable, CaseIterable {
  /// Somebody waits for the answer.
  case interactive = 0
  /// Deferred work that is sent by synchronous calls.
  case deferred = 1
}
