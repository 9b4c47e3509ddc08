public import BatchCore

/// An accepted row without a batch: what a window holds of it.
public struct AcceptedRow: Hashable, Sendable {
  public var id: RequestID
  public var endpoint: Endpoint
  public var route: Route
  public var tokens: Int64
  public var bytes: Int64
  public var deadline: Timestamp?
  public var receivedAt: Timestamp
  /// When it may be sent again after a failure; in the past for a new row.
  public var notBefore: Timestamp
  /// Attempts made so far.
  public var attempts: Int

  public init(
    id: RequestID, endpoint: Endpoint, route: Route, tokens: Int64, bytes: Int64, deadline: Timestamp?,
    receivedAt: Timestamp, notBefore: Timestamp, attempts: Int
  ) {
    self.id = id
    self.endpoint = endpoint
    self.route = route
    self.tokens = tokens
    self.bytes = bytes
    self.deadline = deadline
    self.receivedAt = receivedAt
    self.notBefore = notBefore
    self.attempts = attempts
  }
}

/// A row of a batch with its body, for the input file.
public struct BatchRowBody: Sendable {
  public var id: RequestID
  public var attempt: Int
  public var body: RequestBody

  public init(id: RequestID, attempt: Int, body: RequestBody) {
    self.id = id
    self.attempt = attempt
    self.body = body
  }
}

/// A row of a batch that has no result yet.
public struct UnsettledRow: Hashable, Sendable {
  public var id: RequestID
  public var attempt: Int
  public var deadline: Timestamp?

  public init(id: RequestID, attempt: Int, deadline: Timestamp?) {
    self.id = id
    self.attempt = attempt
    self.deadline = deadline
  }
}

/// A parked request, claimed to be sent synchronously. The ledger has its custody.
public struct ParkedCall: Sendable {
  public var id: RequestID
  public var attempt: Int
  public var endpoint: Endpoint
  public var route: Route
  public var model: String
  public var body: RequestBody
  public var tokens: Int64
  public var deadline: Timestamp?
  public var receivedAt: Timestamp

  public init(
    id: RequestID, attempt: Int, endpoint: Endpoint, route: Route, model: String, body: RequestBody, tokens: Int64,
    deadline: Timestamp?, receivedAt: Timestamp
  ) {
    self.id = id
    self.attempt = attempt
    self.endpoint = endpoint
    self.route = route
    self.model = model
    self.body = body
    self.tokens = tokens
    self.deadline = deadline
    self.receivedAt = receivedAt
  }
}
