public import BatchCore

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
  public var tenant: String
  public var callClass: CallClass
  /// Whether an attempt of it runs in a batch besides.
  public var runsInBatch: Bool

  public init(
    id: RequestID, attempt: Int, endpoint: Endpoint, route: Route, model: String, body: RequestBody, tokens: Int64,
    deadline: Timestamp?, receivedAt: Timestamp, tenant: String, callClass: CallClass, runsInBatch: Bool = false
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
    self.tenant = tenant
    self.callClass = callClass
    self.runsInBatch = runsInBatch
  }
}
