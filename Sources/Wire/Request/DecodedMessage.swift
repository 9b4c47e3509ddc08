public import BatchCore

/// What a delivery asks for.
public enum DecodedMessage: Sendable {
  case request(DecodedRequest)
  case cancel(CancelRequest)
  case poison(PoisonRequest)
}

/// A request that can be sent.
public struct DecodedRequest: Sendable {
  public var envelope: Envelope
  public var endpoint: Endpoint
  /// The name that the publisher used.
  public var model: String
  public var body: RequestBody
  /// Over endpoint and provider body before our changes: what "the same body" means.
  public var bodyHash: SHA256Digest
  /// `nil` without `x-lane`: then the queue's lane applies.
  public var lane: LaneChoice?
  /// The queue that it came from, which decides custody.
  public var queueLane: Lane
  /// Bounds sending. May have passed already.
  public var deadline: Timestamp?
  /// What its tokens are counted from.
  public var prompt: PromptContent
  /// The publisher's own bound on output; `nil` without one that is a positive integer.
  public var maximumOutputTokens: Int?
  /// How many answers it asks for.
  public var choices: Int
  /// Whether it asks for the likeliest answer (`temperature: 0`), one of it.
  public var asksForLikeliest: Bool

  public init(
    envelope: Envelope, endpoint: Endpoint, model: String, body: RequestBody, bodyHash: SHA256Digest,
    lane: LaneChoice?, queueLane: Lane, deadline: Timestamp?, prompt: PromptContent, maximumOutputTokens: Int?,
    choices: Int = 1, asksForLikeliest: Bool = false
  ) {
    self.envelope = envelope
    self.endpoint = endpoint
    self.model = model
    self.body = body
    self.bodyHash = bodyHash
    self.lane = lane
    self.queueLane = queueLane
    self.deadline = deadline
    self.prompt = prompt
    self.maximumOutputTokens = maximumOutputTokens
    self.choices = choices
    self.asksForLikeliest = asksForLikeliest
  }
}

/// Asks to cancel what has not been sent of the tenant's requests with this correlation ID.
public struct CancelRequest: Sendable {
  public var envelope: Envelope
  public var tenant: String
  public var correlationID: [UInt8]

  public init(envelope: Envelope, tenant: String, correlationID: [UInt8]) {
    self.envelope = envelope
    self.tenant = tenant
    self.correlationID = correlationID
  }
}

/// A request that can never be sent.
public struct PoisonRequest: Sendable {
  public var envelope: Envelope
  /// As for a request; over all decoded bytes where they hold no provider body.
  public var bodyHash: SHA256Digest
  public var failure: Failure

  public init(envelope: Envelope, bodyHash: SHA256Digest, failure: Failure) {
    self.envelope = envelope
    self.bodyHash = bodyHash
    self.failure = failure
  }
}
