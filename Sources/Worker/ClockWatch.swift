import BatchCore
import Ledger
import Logging

/// Notices when the wall clock is set, and moves the times in the ledger that say when waiting work may be sent: a wait
/// is a duration, however the clock is set meanwhile.
struct ClockWatch: Sendable {
  let context: WorkerContext
  private static let interval = Duration.seconds(5)
  /// A clock that is only slewed never drifts so far from one look to the next.
  private static let tolerance = Duration.seconds(2)

  /// - Parameter moved: Called when waits were moved.
  func run(_ moved: () -> Void) async {
    var last = look()
    while (try? await context.time.sleep(for: Self.interval)) != nil {
      let now = look()
      let elapsed = now.monotonic - last.monotonic
      let step = (now.wall - last.wall) - elapsed
      if step > Self.tolerance || step < .zero - Self.tolerance {
        context.logger.warning("The wall clock was set", metadata: ["seconds": "\(step.components.seconds)"])
        let shifted: Void? = await context.retry("move waits by a step of the clock") { () async throws(LedgerError) in
          if step > .zero {
            // Later times may be the new clock's, and lie in the future by it: they wait shorter, at most by the step.
            try await context.ledger.shiftWaiting(after: last.wall, upTo: now.wall + (.zero - elapsed), by: step)
          } else {
            try await context.ledger.shiftWaiting(after: now.wall, upTo: Timestamp(milliseconds: .max), by: step)
          }
        }
        guard shifted != nil else { return }
        moved()
      }
      last = now
    }
  }

  /// Both clocks at one moment: again if the process was held up between them.
  private func look() -> (wall: Timestamp, monotonic: Timestamp) {
    while true {
      let before = context.time.monotonic()
      let wall = context.time.now()
      if context.time.monotonic() - before < .milliseconds(500) { return (wall, before) }
    }
  }
}
