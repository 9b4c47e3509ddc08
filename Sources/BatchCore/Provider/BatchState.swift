/// The state of a batch at its provider, in words that all providers share.
public enum BatchState: Hashable, Sendable {
  case queued
  case running
  case cancelling
  case completed
  case failed
  case expired
  case cancelled
  /// A status that this version does not know: still running, for a bounded time.
  case unrecognised(String)

  public var isTerminal: Bool {
    switch self {
    case .completed, .failed, .expired, .cancelled: true
    case .queued, .running, .cancelling, .unrecognised: false
    }
  }
}
