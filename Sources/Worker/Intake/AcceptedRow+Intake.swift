import BatchCore
import Ledger
import Wire

extension DeliveryToken {
  /// The generation as the ledger keeps it.
  var ledgerGeneration: Int64 { Int64(bitPattern: generation) }
}

extension AcceptedRow {
  /// A request that was accepted just now.
  init(id: RequestID, call: NewCall, receivedAt: Timestamp) {
    self.init(
      id: id, endpoint: call.endpoint, model: call.model, route: call.route, tokens: call.tokens,
      bytes: Int64(call.body.bytes.count),
      deadline: call.deadline, receivedAt: receivedAt, notBefore: receivedAt, attempts: 0)
  }
}
