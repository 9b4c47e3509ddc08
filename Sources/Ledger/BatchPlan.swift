public import BatchCore

/// A window on its way to become a batch: the intent.
public struct BatchPlan: Sendable {
  public var key: WindowKey
  /// The rows the window holds. Membership is decided when the plan is committed.
  public var rows: [RequestID]
  /// Unique; `[A-Za-z0-9-]`, at most 24 bytes. Custom ids are `<label>_<request id>_<attempt>`.
  public var label: String
  /// Provider, URL and key fingerprint.
  public var account: String
  public var trigger: WindowTrigger
  /// How often the rows were halved out of a batch that failed validation without naming a line.
  public var halvings: Int
  /// Rows that are due before then go the synchronous way instead; nil if none do.
  public var cutOff: Timestamp?
  /// What the model costs now, which holds for the batch; nil where that is not known.
  public var price: ModelPrice?

  public init(
    key: WindowKey, rows: [RequestID], label: String, account: String, trigger: WindowTrigger, halvings: Int = 0,
    cutOff: Timestamp? = nil, price: ModelPrice? = nil
  ) {
    self.key = key
    self.rows = rows
    self.label = label
    self.account = account
    self.trigger = trigger
    self.halvings = halvings
    self.cutOff = cutOff
    self.price = price
  }
}

/// What committing a plan made of it.
public struct PlannedBatch: Sendable {
  /// Nil when no row was left to send.
  public var batch: BatchRecord?
  /// Rows whose deadline had passed: finished with `deadline_exceeded`, replies in the outbox.
  public var expired: [RequestID]
  /// Rows that were due too soon for a batch: parked, to be sent synchronously.
  public var expedited: [RequestID]

  public init(batch: BatchRecord?, expired: [RequestID], expedited: [RequestID] = []) {
    self.batch = batch
    self.expired = expired
    self.expedited = expedited
  }
}
