import BatchCore
import Ledger
import Wire

/// Decides how a request is sent and who keeps it meanwhile. The queue decides custody, the lane decides sending.
struct LaneChooser: Sendable {
  /// A deadline nearer than this is not left to a native batch.
  var autoDeferredHorizon: Duration

  func choose(queue: Lane, wish: LaneChoice?, deadline: Timestamp?, now: Timestamp) -> (lane: Lane, custody: Custody) {
    switch wish {
    case nil:
      (queue, queue == .interactive ? .broker : .ledger)
    case .interactive:
      (.interactive, queue == .interactive ? .broker : .ledger)
    case .deferred:
      // It may wait for hours, so the broker is not asked to hold it whatever its queue.
      (.deferred, .ledger)
    case .auto:
      if let deadline, deadline - now < autoDeferredHorizon { (.interactive, .ledger) } else { (.deferred, .ledger) }
    }
  }
}
