import BatchCore
import Ledger
import Threading
import Wire

/// Deliveries that stay unacked until their reply is confirmed, by the request that they belong to.
///
/// Bounded by the prefetch of the lanes: every entry is an unacked delivery.
final class HeldDeliveries: Sendable {
  struct Held: Sendable {
    var source: any DeliverySource
    var token: DeliveryToken
    /// Set for poison: the message is dead-lettered instead of acked.
    var poison: Poison?
  }

  struct Poison: Sendable {
    var delivery: Delivery
    var failure: Failure
  }

  private let held = Locked([RequestID: [Held]]())

  func hold(_ id: RequestID, _ delivery: Held) {
    held.withLock { $0[id, default: []].append(delivery) }
  }

  func release(_ ids: [RequestID]) -> [Held] {
    held.withLock { held in ids.flatMap { held.removeValue(forKey: $0) ?? [] } }
  }

  var count: Int { held.withLock { $0.count } }
}
