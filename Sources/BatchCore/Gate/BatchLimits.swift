/// What is configured of an account's batches: ceilings. What is not set is learned.
public struct BatchLimits: Hashable, Sendable {
  /// Tokens of input in unfinished batches of one model.
  public var enqueuedTokens: Int64?
  /// Of all models together.
  public var createsPerHour: Int?

  public init(enqueuedTokens: Int64? = nil, createsPerHour: Int? = nil) {
    self.enqueuedTokens = enqueuedTokens
    self.createsPerHour = createsPerHour
  }
}
