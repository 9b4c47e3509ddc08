import BatchCore
import DequeModule
import Ledger
import Threading
import Wire

/// Deliveries that stay unacked until their reply is confirmed, by the request that they belong to.
///
/// A reply may be confirmed between the commit that made it and the moment at which its delivery gets here. So while
/// deliveries are being admitted, what is released is remembered, and a delivery that comes too late is turned away.
///
/// Bounded by the prefetch of the lanes, and by the replies that are confirmed while a chunk is admitted.
final class HeldDeliveries: Sendable {
  struct Held: Sendable {
    var id: RequestID
    var source: any DeliverySource
    var token: DeliveryToken
    /// Whether only a fingerprint identifies it, so that the ledger wants to know when its ack is processed.
    var isFingerprint: Bool
    /// Set for poison: the message is dead-lettered instead of acked.
    var poison: Poison?
    /// Whether its channel is gone, so that the message comes again on another. Poison stays to be published.
    var isStale: Bool { poison == nil && !source.isOpen(token.generation) }

    /// Set where another process may be calling for it: admitted again if that one is gone.
    var attached: Delivery?
  }

  struct Poison: Sendable {
    var delivery: Delivery
    var failure: Failure
  }

  /// Deliveries on their way into the ledger.
  struct Admission: Sendable {
    fileprivate var number: Int
  }

  private struct State {
    var held: [RequestID: [Held]] = [:]
    var admissions: Set<Int> = []
    var latest = 0
    /// The latest admission that had begun when the request was released; and the same, oldest first.
    var released: [RequestID: Int] = [:]
    var releases: Deque<(number: Int, ids: [RequestID])> = []
  }

  private let state = Locked(State())

  /// Call it before the commit, and `end` when all that the commit made was offered to `hold`.
  func begin() -> Admission {
    state.withLock { state in
      state.latest += 1
      state.admissions.insert(state.latest)
      return Admission(number: state.latest)
    }
  }

  func end(_ admission: Admission) {
    state.withLock { state in
      state.admissions.remove(admission.number)
      let oldest = state.admissions.min() ?? .max
      while let release = state.releases.first, release.number < oldest {
        state.releases.removeFirst()
        for id in release.ids where state.released[id] == release.number { state.released[id] = nil }
      }
    }
  }

  /// Returns false if the request was released since the admission began: nobody else will settle this delivery.
  func hold(_ delivery: Held, in admission: Admission) -> Bool {
    state.withLock { state in
      if let number = state.released[delivery.id], number >= admission.number { return false }
      // A channel that is gone has nothing to settle: without this a call would collect a delivery for each cut it outlives.
      state.held[delivery.id]?.removeAll { $0.isStale }
      state.held[delivery.id, default: []].append(delivery)
      return true
    }
  }

  /// Gives up the deliveries of requests that are answered, or that the ledger has taken over.
  func release(_ ids: [RequestID]) -> [Held] {
    state.withLock { state in
      if !state.admissions.isEmpty {
        for id in ids { state.released[id] = state.latest }
        state.releases.append((state.latest, ids))
      }
      return ids.flatMap { state.held.removeValue(forKey: $0) ?? [] }
    }
  }

  /// Requests of the lane whose deliveries are attached to calls that other processes may be making.
  func attached(of lane: Lane) -> [RequestID] {
    state.withLock { state in
      state.held.compactMap { id, held in
        held.contains { $0.attached != nil && $0.source.lane == lane } ? id : nil
      }
    }
  }

  var count: Int { state.withLock { $0.held.count } }
  /// How many releases are remembered.
  var remembered: Int { state.withLock { $0.released.count } }
}
