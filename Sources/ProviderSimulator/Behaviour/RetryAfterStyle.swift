/// How a refusal tells the wait.
enum RetryAfterStyle: String, CaseIterable, Sendable {
  /// `retry-after` in whole seconds.
  case seconds
  /// `retry-after` as an HTTP date.
  case date
  /// `retry-after-ms` alone.
  case ms
  /// `retry-after` in whole seconds, and `retry-after-ms`.
  case both
  case none

  /// The first moment, in milliseconds since 1970, that satisfies the headers; `nil` if they tell none.
  func moment(wait: Int, now: Int) -> Int? {
    switch self {
    case .seconds: now + (wait + 999) / 1000 * 1000
    case .date: (now + wait + 999) / 1000 * 1000
    case .ms, .both: now + wait
    case .none: nil
    }
  }
}
