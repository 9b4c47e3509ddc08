/// What the unfinished and the latest batches of an account take of its limits, one batch left out: the one that asks.
public struct BatchUsage: Hashable, Sendable {
  /// What unfinished batches of the model take of the cap by what is known now, those of unknown fate included.
  public var enqueuedTokens: Int64
  /// Of these, what belongs to batches whose fate has been unknown for long: nobody can tell when that ends.
  public var stuckTokens: Int64
  /// Batches of the account that were created within the last hour, or have their place and are not created yet.
  public var creates: Int
  /// When the first of those that were created began.
  public var firstCreate: Timestamp?
  /// Whether one that was planned before it asks for room for the same model.
  public var isBehindAnother: Bool

  public init(
    enqueuedTokens: Int64 = 0, stuckTokens: Int64 = 0, creates: Int = 0, firstCreate: Timestamp? = nil,
    isBehindAnother: Bool = false
  ) {
    self.enqueuedTokens = enqueuedTokens
    self.stuckTokens = stuckTokens
    self.creates = creates
    self.firstCreate = firstCreate
    self.isBehindAnother = isBehindAnother
  }
}
