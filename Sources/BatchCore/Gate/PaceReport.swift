/// What a replica tells of an account, and wants of it.
public struct PaceReport: Hashable, Sendable {
  public var news: PaceNews
  /// Now, by the clock of the news.
  public var reportedAt: Timestamp
  public var inFlight: Int
  /// Calls that wait for a place.
  public var waiting: Int
  /// What they would take beyond what was granted before.
  public var wanted: PaceAmount
  /// Granted before and not used yet.
  public var balance: PaceAmount
  /// Granted before and not needed any more.
  public var unused: PaceAmount
  public var random: UInt64
}
