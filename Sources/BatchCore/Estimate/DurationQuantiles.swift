/// How long something takes: in half of the cases, in nine of ten, in ninety-nine of a hundred. Pure.
public struct DurationQuantiles: Hashable, Sendable {
  public var half: Duration
  public var ninety: Duration
  public var ninetyNine: Duration

  /// Below so many that came to their end the start values hold.
  public static let fewest = 5

  public init(half: Duration, ninety: Duration, ninetyNine: Duration) {
    self.half = half
    self.ninety = max(half, ninety)
    self.ninetyNine = max(half, ninety, ninetyNine)
  }

  /// The quantiles of the samples, by the estimator of Kaplan and Meier: what was cut off says that it took at least so
  /// long. Without it the slowest would be left out just because they are cancelled, and all would look fast.
  ///
  /// A quantile that the samples are too few for is half as much again as the longest of them, but no more than the start
  /// value; one that they do not reach is the start value.
  public init(of samples: [DurationSample], start: DurationQuantiles) {
    let ends = samples.lazy.filter { !$0.isCut }.count
    guard ends >= Self.fewest else {
      self = start
      return
    }
    // Of those that last equally long, what ended did so first.
    let sorted = samples.sorted { ($0.length, $0.isCut ? 1 : 0) < ($1.length, $1.isCut ? 1 : 0) }
    func quantile(leaving share: Double, start: Duration) -> Duration {
      let longest = sorted.last?.length ?? .zero
      var atRisk = Double(sorted.count)
      var left = 1.0
      for sample in sorted {
        if !sample.isCut { left *= 1 - 1 / atRisk }
        atRisk -= 1
        guard left <= share + 1e-9 else { continue }
        if Double(sorted.count) * share >= 1 - 1e-9 { return sample.length }
        return max(longest, min(longest + longest / 2, start))
      }
      return max(longest, start)
    }
    self.init(
      half: quantile(leaving: 0.5, start: start.half), ninety: quantile(leaving: 0.1, start: start.ninety),
      ninetyNine: quantile(leaving: 0.01, start: start.ninetyNine))
  }
}
