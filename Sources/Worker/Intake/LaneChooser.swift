import BatchCore
import Ledger
import Wire

/// Decides how a request is sent and who keeps it meanwhile. The queue decides custody, the lane decides sending.
enum LaneChooser {
  /// - Parameters:
  ///   - outlook: What a native batch can do for the deadline; nil without one.
  ///   - hasBatches: Where there are none, calls serve what is deferred, from the ledger.
  static func choose(
    queue: Lane, wish: LaneChoice?, outlook: Deadlines.Outlook?, hasBatches: Bool
  ) -> (lane: Lane, custody: Custody) {
    let late: (Lane, Custody) = (.interactive, .ledger)
    switch wish {
    case nil where queue == .interactive: return (.interactive, .broker)
    case .interactive: return (.interactive, queue == .interactive ? .broker : .ledger)
    case nil where !hasBatches, .deferred where !hasBatches, .auto where !hasBatches: return late
    case nil, .deferred:
      // It may wait for hours, so the broker is not asked to hold it whatever its queue.
      return outlook?.mayWait ?? true ? (.deferred, .ledger) : late
    case .auto:
      return outlook.map { $0.mayWait && $0.isLikelyInTime } ?? true ? (.deferred, .ledger) : late
    }
  }
}
