/// A moment in wall time, in whole milliseconds since 1970, UTC. Passed in, never read here.
public struct Timestamp: Hashable, Comparable, Sendable, Codable {
  public var milliseconds: Int64

  public init(milliseconds: Int64) {
    self.milliseconds = milliseconds
  }

  public static func < (left: Timestamp, right: Timestamp) -> Bool { left.milliseconds < right.milliseconds }

  /// Saturates at the ends of the range, since durations may come from configuration or from a publisher.
  public static func + (left: Timestamp, right: Duration) -> Timestamp {
    let (sum, overflow) = left.milliseconds.addingReportingOverflow(right.wholeMilliseconds)
    return Timestamp(milliseconds: overflow ? (right < .zero ? .min : .max) : sum)
  }

  public static func - (left: Timestamp, right: Timestamp) -> Duration {
    let (difference, overflow) = left.milliseconds.subtractingReportingOverflow(right.milliseconds)
    return .milliseconds(overflow ? (left < right ? .min : .max) : difference)
  }
}

extension Duration {
  /// Rounded towards zero; saturates.
  public var wholeMilliseconds: Int64 {
    let (seconds, attoseconds) = components
    let (milliseconds, overflow) = seconds.multipliedReportingOverflow(by: 1000)
    if overflow { return seconds < 0 ? .min : .max }
    let (sum, carried) = milliseconds.addingReportingOverflow(attoseconds / 1_000_000_000_000_000)
    return carried ? (seconds < 0 ? .min : .max) : sum
  }
}
