public import BatchCore

/// What lies in the ledger without an outcome, for gauges and for scaling.
public struct BacklogEntry: Hashable, Sendable {
  public var lane: Lane
  public var model: String
  public var requests: Int
  public var tokens: Int64
  public var oldest: Timestamp
  public var earliestDeadline: Timestamp?

  public init(
    lane: Lane, model: String, requests: Int, tokens: Int64, oldest: Timestamp, earliestDeadline: Timestamp?
  ) {
    self.lane = lane
    self.model = model
    self.requests = requests
    self.tokens = tokens
    self.oldest = oldest
    self.earliestDeadline = earliestDeadline
  }
}
