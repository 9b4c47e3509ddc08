import BatchCore
import Ledger
import Logging

/// Keeps the backlog's gauges, and holds intake while the backlog is at its bound.
struct BacklogWatch: Sendable {
  let context: WorkerContext
  let gate: IntakeGate
  private static let interval = Duration.seconds(5)

  func run() async {
    var known: Set<BacklogKey> = []
    var isFull = false
    while !Task.isCancelled {
      if let entries = try? await context.ledger.backlog() {
        let keys = Set(entries.map { BacklogKey(lane: $0.lane, model: $0.model) })
        context.metrics.backlog(entries, gone: known.subtracting(keys), now: context.time.now())
        known = keys
      }
      if let bytes = try? await context.ledger.backlogBytes() {
        let limit = context.configuration.maximumBacklogBytes
        // It opens again well below the bound, so that it does not flutter.
        let full = isFull ? bytes > limit / 10 * 9 : bytes >= limit
        if full != isFull {
          isFull = full
          gate.set(open: !full)
          if full {
            context.health.report(
              .backlog, "the ledger's backlog is \(bytes) bytes, its bound ledger.max_backlog_bytes is \(limit); intake waits")
            context.logger.warning("Intake waits: the backlog is at its bound", metadata: ["bytes": "\(bytes)"])
          } else {
            context.health.clear(.backlog)
          }
        }
      }
      guard (try? await context.time.sleep(for: Self.interval)) != nil else { return }
    }
  }
}
