/// How many batches may be created within an hour, and how windows make do with them. Pure; time is passed in.
public enum CreateBudget {
  static let hour = Duration.seconds(3600)

  /// The limit by what is configured and what was learned; nil while nothing is known.
  public static func limit(_ limits: BatchLimits, _ lesson: CreateLesson?, now: Timestamp) -> Int? {
    [limits.createsPerHour, lesson?.limit(now: now)].compactMap { $0 }.min()
  }

  /// Until when no more are created.
  static func pause(
    _ limits: BatchLimits, _ lesson: CreateLesson?, _ usage: BatchUsage, now: Timestamp
  ) -> Timestamp? {
    guard let limit = limit(limits, lesson, now: now), usage.creates >= limit else { return nil }
    // Without one in the past hour all of them are on their way: when they began is known soon.
    guard let first = usage.firstCreate else { return now + BatchAdmission.look }
    return min(max(first + hour, now + .milliseconds(1)), now + hour)
  }

  /// Windows of an account that has used over four fifths of its creates stay open for longer: at the limit, as long as the
  /// creates that are left last when each window takes one.
  ///
  /// - Parameter windows: How many windows of the account are open, or about to be.
  public static func stretched(_ window: WindowLimits, creates: Int, limit: Int?, windows: Int) -> WindowLimits {
    guard let limit, limit > 0, creates > 0 else { return window }
    // From none at four fifths to one at the limit.
    let nearness = Double(min(creates, limit)) / Double(limit) * 5 - 4
    guard nearness > 0 else { return window }
    let left = max(1, limit - creates)
    let each = min(1, Double(max(1, windows)) / Double(left))
    let longest = Duration.milliseconds(Int64(Double(hour.wholeMilliseconds) * each))
    var window = window
    window.idle = longer(window.idle, longest, nearness)
    window.maximumAge = longer(window.maximumAge, longest, nearness)
    return window
  }

  private static func longer(_ usual: Duration, _ longest: Duration, _ nearness: Double) -> Duration {
    let (usual, longest) = (usual.wholeMilliseconds, longest.wholeMilliseconds)
    guard longest > usual else { return .milliseconds(usual) }
    return .milliseconds(usual + Int64((Double(longest - usual) * min(1, nearness)).rounded()))
  }
}
