import BatchCore
import Wire

/// Reads `details` of an error of Google's APIs: objects of several kinds, none of which need be there.
struct GoogleDetails {
  private static let longest = Duration.seconds(30 * 86_400)
  private static let day: Int64 = 86_400_000
  /// Quotas of a day begin anew at midnight in California, which is 7 or 8 in the morning here.
  private static let midnight: Int64 = 8 * 3_600_000

  private let details: [JSONSlice]

  /// - Parameter error: the value of `error`.
  init(_ error: JSONSlice) {
    details = error["details"]?.elements.map { $0 } ?? []
  }

  /// Why, in a word, such as `API_KEY_INVALID`.
  var reason: String? { details.lazy.compactMap { $0["reason"]?.string }.first }

  /// How long to wait: until the next day where its quota is used up, whatever else is said.
  func pause(now: Timestamp) -> Duration? {
    if exhaustsDay {
      let sinceMidnight = ((now.milliseconds - Self.midnight) % Self.day + Self.day) % Self.day
      return .milliseconds(Self.day - sinceMidnight)
    }
    guard let text = details.lazy.compactMap({ $0["retryDelay"]?.string }).first else { return nil }
    guard let milliseconds = RetryAfter.goDuration(text), milliseconds.isFinite, milliseconds >= 0 else {
      return .unreadableRetryAfter
    }
    return min(Self.longest, .milliseconds(Int64(min(milliseconds, 1e13).rounded(.up))))
  }

  private var exhaustsDay: Bool {
    details.contains { detail in
      detail["violations"]?.elements.contains { $0["quotaId"]?.string?.contains("PerDay") ?? false } ?? false
    }
  }
}
