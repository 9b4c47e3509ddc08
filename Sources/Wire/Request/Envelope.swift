/// All that a message says about a request besides the request.
public struct Envelope: Hashable, Sendable {
  public var identity: Identity
  public var ledgerID: LedgerID
  /// 1 to 255 bytes of UTF-8.
  public var correlationID: [UInt8]
  /// Whether the publisher gave none, so that it is the text of the ledger id.
  public var correlationGenerated: Bool
  /// The queue that wants the reply; without one it goes to the results exchange.
  public var replyTo: [UInt8]?
  /// `custom_id` or `id` of the body, of any length.
  public var customID: String?
  public var tags: CostTags
  public var trace: TraceContext
  public var callbackURL: String?
  /// Only the callback is wanted.
  public var noReply: Bool
  /// Forces a new generation of a stored answer, once for each value.
  public var replayNonce: String?

  public init(
    identity: Identity, ledgerID: LedgerID, correlationID: [UInt8], correlationGenerated: Bool, replyTo: [UInt8]?,
    customID: String?, tags: CostTags, trace: TraceContext, callbackURL: String?, noReply: Bool, replayNonce: String?
  ) {
    self.identity = identity
    self.ledgerID = ledgerID
    self.correlationID = correlationID
    self.correlationGenerated = correlationGenerated
    self.replyTo = replyTo
    self.customID = customID
    self.tags = tags
    self.trace = trace
    self.callbackURL = callbackURL
    self.noReply = noReply
    self.replayNonce = replayNonce
  }
}
