import BatchCore
import Ledger
import Wire

/// An interactive request that waits for a gate or is being sent.
struct PendingCall: Sendable {
  var id: RequestID
  var attempt: Int
  var endpoint: Endpoint
  /// As the publisher named it: what its routes are looked up by.
  var model: String
  var route: Route
  var body: RequestBody
  var tenant: String
  /// Estimated input tokens.
  var tokens: Int64
  /// The most output tokens that the body allows, if it says so.
  var outputLimit: Int64?
  var deadline: Timestamp?
  var custody: Custody
  var callClass: CallClass
  /// Whether an attempt of it runs in a batch besides, which may bring its outcome at any time.
  var runsInBatch = false
  /// Monotonic: when it came here, and before when it must not be sent.
  var arrivedAt: Timestamp
  var notBefore: Timestamp
  /// Whether it was sent before, and so was here before what is new.
  var isBack = false
  /// What its gate has given it, once it may start.
  var reservation: Reservation?

  /// One that a delivery brought and the broker has custody of: somebody waits for it.
  init(id: RequestID, attempt: Int, call: NewCall, tenant: String, arrivedAt: Timestamp) {
    self.id = id
    self.attempt = attempt
    endpoint = call.endpoint
    model = call.model
    route = call.route
    body = call.body
    self.tenant = tenant
    tokens = call.tokens
    outputLimit = OutputLimit.read(call.body.bytes)
    deadline = call.deadline
    custody = call.custody
    callClass = .interactive
    self.arrivedAt = arrivedAt
    notBefore = arrivedAt
  }

  init(_ parked: ParkedCall, arrivedAt: Timestamp) {
    id = parked.id
    attempt = parked.attempt
    endpoint = parked.endpoint
    model = parked.model
    route = parked.route
    body = parked.body
    tenant = parked.tenant
    tokens = parked.tokens
    outputLimit = OutputLimit.read(parked.body.bytes)
    deadline = parked.deadline
    custody = .ledger
    callClass = parked.callClass
    runsInBatch = parked.runsInBatch
    self.arrivedAt = arrivedAt
    notBefore = arrivedAt
  }

  /// How soon its reply is wanted.
  var urgency: ReplyUrgency { callClass == .interactive ? .urgent : .bulk }

  /// What it takes of its tenant's share.
  var cost: Int64 { CallCost.of(tokens: tokens) }
}
