/// The lane that a publisher asks for in `x-lane`.
public enum LaneChoice: String, Hashable, Sendable, CaseIterable {
  case interactive
  case deferred
  /// By deadline and learned turnaround.
  case auto
}
