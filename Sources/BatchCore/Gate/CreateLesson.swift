/// How many batches an account let us create within an hour until it refused one.
public struct CreateLesson: Hashable, Sendable {
  public var creates: Int
  public var at: Timestamp
  /// A shorter pause is the provider's usual pace and says nothing of the hour, unless there were many creates. After few
  /// of them a pause of any length has other reasons: it is kept by itself, and a limit that was only believed would hold
  /// work back for hours.
  private static let tellingPause = Duration.seconds(60)
  private static let fewCreates = 50
  private static let manyCreates = 500
  private static let lifetime = Duration.seconds(86_400)

  public init(creates: Int, at: Timestamp) {
    self.creates = creates
    self.at = at
  }

  /// Nil where the refusal says nothing about a limit by the hour.
  public init?(refusedAfter creates: Int, pause: Duration?, now: Timestamp) {
    let isLong = pause.map { $0 >= Self.tellingPause } ?? false
    guard creates >= (isLong ? Self.fewCreates : Self.manyCreates) else { return nil }
    self.init(creates: creates, at: now)
  }

  /// What is believed of the limit: a tenth more for every hour, and nothing after a day.
  func limit(now: Timestamp) -> Int? {
    let age = now - at
    guard age < Self.lifetime else { return nil }
    let hours = max(0, age.wholeMilliseconds / 3_600_000)
    let clamped = Int64(clamping: creates)
    return Int(clamping: clamped.addingSaturated(max(1, clamped / 10) * hours))
  }
}
