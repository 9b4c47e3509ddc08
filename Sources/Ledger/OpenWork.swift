public import BatchCore

/// An accepted row without a batch: what a window holds of it.
public struct AcceptedRow: Hashable, Sendable {
  public var id: RequestID
  public var endpoint: Endpoint
  /// As the publisher named it: what its routes are looked up by.
  public var model: String
  public var route: Route
  public var tokens: Int64
  public var bytes: Int64
  public var deadline: Timestamp?
  public var receivedAt: Timestamp
  /// When it may be sent again after a failure; in the past for a new row.
  public var notBefore: Timestamp
  /// Attempts made so far.
  public var attempts: Int
  /// Whether it comes from a batch that was cancelled for deadlines in it.
  public var wasCancelled: Bool

  public init(
    id: RequestID, endpoint: Endpoint, model: String, route: Route, tokens: Int64, bytes: Int64,
    deadline: Timestamp?, receivedAt: Timestamp, notBefore: Timestamp, attempts: Int, wasCancelled: Bool = false
  ) {
    self.id = id
    self.endpoint = endpoint
    self.model = model
    self.route = route
    self.tokens = tokens
    self.bytes = bytes
    self.deadline = deadline
    self.receivedAt = receivedAt
    self.notBefore = notBefore
    self.attempts = attempts
    self.wasCancelled = wasCancelled
  }
}

/// A row of a batch with its body, for the input file.
public struct BatchRowBody: Sendable {
  public var id: RequestID
  public var attempt: Int
  public var body: RequestBody
  public var tenant: String
  /// Estimated input tokens.
  public var tokens: Int64

  public init(id: RequestID, attempt: Int, body: RequestBody, tenant: String, tokens: Int64) {
    self.id = id
    self.attempt = attempt
    self.body = body
    self.tenant = tenant
    self.tokens = tokens
  }
}

/// A row of a batch that has no result yet.
public struct UnsettledRow: Hashable, Sendable {
  public var id: RequestID
  public var attempt: Int
  /// As the publisher named it: what its routes are looked up by.
  public var model: String
  public var deadline: Timestamp?
  /// Estimated input tokens.
  public var tokens: Int64
  /// Whether it was sent synchronously too, without success: it is not again.
  public var wasRescued: Bool

  public init(
    id: RequestID, attempt: Int, model: String, deadline: Timestamp?, tokens: Int64, wasRescued: Bool
  ) {
    self.id = id
    self.attempt = attempt
    self.model = model
    self.deadline = deadline
    self.tokens = tokens
    self.wasRescued = wasRescued
  }
}
