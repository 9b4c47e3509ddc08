import BatchCore
import Ledger

/// Notices that a breaker which replicas share was closed elsewhere: by another's call, or by an operator.
///
/// A replica that was refused does not ask again before the next probe is due. So it looks, at all of its breakers that are
/// not closed at once: how many there are does not matter.
struct BreakerPoll: Sendable {
  let context: WorkerContext
  let onClose: @Sendable () -> Void
  private static let interval = Duration.seconds(2)

  /// Runs until the task is cancelled. Does nothing where the ledger is not shared.
  func run() async {
    guard context.ledger.isShared else { return }
    while !Task.isCancelled {
      let keys = context.gates.suspended
      if keys.isEmpty {
        await context.gates.suspension.wait()
        continue
      }
      guard (try? await context.time.sleep(for: Self.interval)) != nil else { return }
      // With the ledger away nothing is known, and nothing changes.
      guard let open = try? await context.ledger.openBreakers(of: keys) else { continue }
      let closed = Set(keys).subtracting(open.map(\.key))
      if closed.isEmpty { continue }
      context.gates.closedElsewhere(closed)
      onClose()
    }
  }
}
