/// Whom the kernel prefers where processors are short.
public enum ThreadPriority: Hashable, Sendable {
  /// A thread that somebody waits for.
  case normal
  /// One that has time: beside each normal one it gets a tenth of what that gets, so that it never starves.
  case background

  /// As of `nice`.
  var niceness: CInt {
    switch self {
    case .normal: 0
    case .background: 10
    }
  }
}
