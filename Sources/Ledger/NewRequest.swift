public import BatchCore
public import Wire

/// A delivery on its way into the ledger.
public struct NewRequest: Sendable {
  public enum Content: Sendable {
    /// A request that can be sent.
    case call(NewCall)
    /// One that never can: recorded with its failure, answered, not sent.
    case poison(Failure)
  }

  public var envelope: Envelope
  public var content: Content
  /// SHA-256 of endpoint and provider body before our changes; of the decoded bytes when there is no body to read.
  public var bodyHash: SHA256Digest
  public var receivedAt: Timestamp
  /// The lane whose queue it came from; the lane that it is sent in may be another.
  public var queue: Lane
  public var redelivered: Bool
  /// The channel that delivered it, unique over restarts: tells the redelivery of one message from a second message that
  /// looks the same, where only a fingerprint identifies them.
  public var deliveryGeneration: Int64
  /// The row that an earlier look at this very delivery was attached to; nil for a delivery that is new here.
  public var attachedTo: RequestID?
  /// The original properties and headers (`PropertiesCodec`), for a dead letter. Empty if there is nothing to keep.
  public var properties: [UInt8]

  public init(
    envelope: Envelope, content: Content, bodyHash: SHA256Digest, receivedAt: Timestamp, queue: Lane,
    redelivered: Bool, deliveryGeneration: Int64, properties: [UInt8]
  ) {
    self.envelope = envelope
    self.content = content
    self.bodyHash = bodyHash
    self.receivedAt = receivedAt
    self.queue = queue
    self.redelivered = redelivered
    self.deliveryGeneration = deliveryGeneration
    self.properties = properties
  }
}

/// What there is to send.
public struct NewCall: Sendable {
  public var endpoint: Endpoint
  /// The model as the publisher named it.
  public var model: String
  public var route: Route
  public var lane: Lane
  public var custody: Custody
  public var body: RequestBody
  /// Estimated input tokens.
  public var tokens: Int64
  /// Rows of a batch are in this order, and those with the same number in that of their ids.
  public var promptOrder: Int64
  /// Another call that waits for its window with this key answers for it; nil if it wants a call of its own.
  public var mergeKey: MergeKey?
  public var deadline: Timestamp?
  /// What an attempt may cost at most, called and in a batch; nil where that is not known.
  public var callCeiling: PicoUSD?
  public var batchCeiling: PicoUSD?
  /// The budgets that it counts against.
  public var budgets: [BudgetClaim]

  public init(
    endpoint: Endpoint, model: String, route: Route, lane: Lane, custody: Custody, body: RequestBody, tokens: Int64,
    deadline: Timestamp?, callCeiling: PicoUSD? = nil, batchCeiling: PicoUSD? = nil,
    budgets: [BudgetClaim] = [], promptOrder: Int64 = 0, mergeKey: MergeKey? = nil
  ) {
    self.endpoint = endpoint
    self.model = model
    self.route = route
    self.lane = lane
    self.custody = custody
    self.body = body
    self.tokens = tokens
    self.promptOrder = promptOrder
    self.mergeKey = mergeKey
    self.deadline = deadline
    self.callCeiling = callCeiling
    self.batchCeiling = batchCeiling
    self.budgets = budgets
  }
}
