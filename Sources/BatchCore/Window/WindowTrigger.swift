/// Why a window closed.
public enum WindowTrigger: UInt8, Hashable, Sendable, CaseIterable {
  /// Nothing arrived for a while.
  case idle
  /// It reached its greatest age.
  case age
  case requests
  case tokens
  case bytes
  /// The earliest deadline in it asked for it.
  case deadline
  /// The service is stopping.
  case drain

  public var name: String {
    switch self {
    case .idle: "idle"
    case .age: "age"
    case .requests: "requests"
    case .tokens: "tokens"
    case .bytes: "bytes"
    case .deadline: "deadline"
    case .drain: "drain"
    }
  }
}
