/// Requests with nearly the same deadline that have no outcome yet.
public struct DueRows: Hashable, Sendable {
  public var earliest: Timestamp
  public var latest: Timestamp
  public var count: Int
  /// Estimated input tokens.
  public var tokens: Int64

  public init(earliest: Timestamp, latest: Timestamp, count: Int, tokens: Int64) {
    self.earliest = earliest
    self.latest = latest
    self.count = count
    self.tokens = tokens
  }
}
