public import BatchCore
public import Wire

/// A reply in the outbox, with everything that its message is made of.
public struct PendingReply: Sendable {
  /// What is published to the dead-letter exchange beside the reply, for a request that failed for good in our custody.
  public struct DeadLetter: Sendable {
    /// `PropertiesCodec` bytes.
    public var properties: [UInt8]
    public var body: [UInt8]

    public init(properties: [UInt8], body: [UInt8]) {
      self.properties = properties
      self.body = body
    }
  }

  public var id: RequestID
  /// Where it stands in the outbox; 0 for what was never in one.
  public var place: Int64
  public var ledgerID: LedgerID
  /// The ledger id of the call's first subscriber.
  public var callID: LedgerID
  public var envelope: ReplyAddress
  /// `nil` for a success.
  public var failure: Failure?
  public var response: ProviderResponse?
  public var lane: Lane?
  public var route: Route?
  public var model: String?
  /// The provider's id of the batch that carried the successful or last attempt.
  public var providerBatchID: String?
  public var attempts: Int
  public var usage: Usage?
  public var cost: PicoUSD?
  public var basis: CostBasis
  public var receivedAt: Timestamp
  public var completedAt: Timestamp
  public var deadline: Timestamp?
  /// A stored answer given again.
  public var replayed: Bool
  /// Nil when the failure is no dead letter, or when the broker holds the message and moves it itself. Whether one that
  /// the provider rejected is published is the worker's choice.
  public var deadLetter: DeadLetter?

  public init(
    id: RequestID, place: Int64 = 0, ledgerID: LedgerID, callID: LedgerID, envelope: ReplyAddress, attempts: Int,
    basis: CostBasis, receivedAt: Timestamp, completedAt: Timestamp, replayed: Bool
  ) {
    self.id = id
    self.place = place
    self.ledgerID = ledgerID
    self.callID = callID
    self.envelope = envelope
    self.attempts = attempts
    self.basis = basis
    self.receivedAt = receivedAt
    self.completedAt = completedAt
    self.replayed = replayed
  }

  /// What its end is noted by.
  public var taken: TakenReply { TakenReply(id, at: place) }
}

/// Where a reply goes and what it carries back, as it was kept with the request.
public struct ReplyAddress: Hashable, Sendable {
  public var correlationID: [UInt8]
  public var correlationGenerated: Bool
  public var replyTo: [UInt8]?
  public var customID: String?
  public var tags: CostTags
  public var trace: TraceContext
  public var callbackURL: String?
  public var noReply: Bool

  public init(
    correlationID: [UInt8], correlationGenerated: Bool, replyTo: [UInt8]?, customID: String?, tags: CostTags,
    trace: TraceContext, callbackURL: String?, noReply: Bool
  ) {
    self.correlationID = correlationID
    self.correlationGenerated = correlationGenerated
    self.replyTo = replyTo
    self.customID = customID
    self.tags = tags
    self.trace = trace
    self.callbackURL = callbackURL
    self.noReply = noReply
  }
}
