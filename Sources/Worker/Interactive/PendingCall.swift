import BatchCore
import Ledger

/// An interactive request that waits for a gate or is being sent.
struct PendingCall: Sendable {
  var id: RequestID
  var attempt: Int
  var endpoint: Endpoint
  var route: Route
  var body: RequestBody
  var deadline: Timestamp?
  var custody: Custody
  /// Monotonic: when it came here, and before when it must not be sent.
  var arrivedAt: Timestamp
  var notBefore: Timestamp

  init(id: RequestID, attempt: Int, call: NewCall, receivedAt: Timestamp, arrivedAt: Timestamp) {
    self.id = id
    self.attempt = attempt
    endpoint = call.endpoint
    route = call.route
    body = call.body
    deadline = call.deadline
    custody = call.custody
    self.arrivedAt = arrivedAt
    notBefore = arrivedAt
  }

  init(_ parked: ParkedCall, arrivedAt: Timestamp) {
    id = parked.id
    attempt = parked.attempt
    endpoint = parked.endpoint
    route = parked.route
    body = parked.body
    deadline = parked.deadline
    custody = .ledger
    self.arrivedAt = arrivedAt
    notBefore = arrivedAt
  }
}
