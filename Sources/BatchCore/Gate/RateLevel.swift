/// What a provider's answer says of one of its limits.
public struct RateLevel: Hashable, Sendable, Codable {
  /// A minute.
  public var limit: Int64?
  /// What was left when the call was let in.
  public var remaining: Int64?

  public init(limit: Int64?, remaining: Int64?) {
    self.limit = limit
    self.remaining = remaining
  }
}
