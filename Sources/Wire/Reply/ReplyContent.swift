public import BatchCore

/// What a call cost.
public struct ReplyCost: Hashable, Sendable {
  /// `nil` where the price is unknown.
  public var amount: PicoUSD?
  public var basis: CostBasis

  public init(amount: PicoUSD?, basis: CostBasis) {
    self.amount = amount
    self.basis = basis
  }
}

/// All that a reply says.
public struct ReplyContent: Sendable {
  public enum Outcome: Hashable, Sendable {
    case succeeded(ProviderResponse)
    /// With the provider's answer, if it gave one.
    case failed(Failure, ProviderResponse?)
  }

  public var ledgerID: LedgerID
  public var correlationID: [UInt8]
  public var correlationGenerated: Bool
  public var replyTo: [UInt8]?
  public var customID: String?
  public var tags: CostTags
  public var trace: TraceContext
  public var outcome: Outcome
  /// Whether the deadline had passed when the outcome came.
  public var late = false
  public var lane: Lane?
  public var provider: String?
  public var model: String?
  public var batchID: String?
  public var callID: String?
  public var attempts = 0
  public var usage: Usage?
  public var cost: ReplyCost?
  public var receivedAt: Timestamp
  public var completedAt: Timestamp
  /// Whether this is a stored answer.
  public var replayed = false

  public init(
    ledgerID: LedgerID, correlationID: [UInt8], correlationGenerated: Bool, replyTo: [UInt8]?, customID: String?,
    tags: CostTags, trace: TraceContext, outcome: Outcome, receivedAt: Timestamp, completedAt: Timestamp
  ) {
    self.ledgerID = ledgerID
    self.correlationID = correlationID
    self.correlationGenerated = correlationGenerated
    self.replyTo = replyTo
    self.customID = customID
    self.tags = tags
    self.trace = trace
    self.outcome = outcome
    self.receivedAt = receivedAt
    self.completedAt = completedAt
  }

  /// The reply to what was just decoded.
  public init(envelope: Envelope, outcome: Outcome, receivedAt: Timestamp, completedAt: Timestamp) {
    self.init(
      ledgerID: envelope.ledgerID, correlationID: envelope.correlationID,
      correlationGenerated: envelope.correlationGenerated, replyTo: envelope.replyTo, customID: envelope.customID,
      tags: envelope.tags, trace: envelope.trace, outcome: outcome, receivedAt: receivedAt, completedAt: completedAt)
  }
}
