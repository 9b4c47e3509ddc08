/// How a request is sent.
public enum Lane: UInt8, Hashable, Sendable, CaseIterable {
  /// Synchronous calls, answered in seconds.
  case interactive = 0
  /// The provider's native batch, answered in minutes to hours.
  case deferred = 1

  public var name: String {
    switch self {
    case .interactive: "interactive"
    case .deferred: "deferred"
    }
  }
}
