/// What is known of a metric beforehand.
public struct MetricDescription: Sendable, Equatable {
  /// The label that the code uses, without prefix and without suffixes.
  public var label: String
  /// One sentence for whoever reads a dashboard.
  public var help: String
  /// Upper bounds of a histogram, ascending; nothing means the standard ones.
  public var buckets: [Double]?

  public init(_ label: String, _ help: String, buckets: [Double]? = nil) {
    self.label = label
    self.help = help
    self.buckets = buckets
  }

  /// Seconds from a millisecond to a day: one set serves calls and batches.
  public static let durationBuckets: [Double] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 10_800,
    21_600, 43_200, 86_400,
  ]

  /// Counts and sizes from 1 to a thousand million.
  public static let sizeBuckets: [Double] = (0...15).map { Double(1 << ($0 * 2)) }
}
