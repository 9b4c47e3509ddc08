import BatchCore
import Ledger
import Logging

/// Keeps the gauges of the backlog and of unknown batches, and holds intake while the backlog is at its bound.
struct BacklogWatch: Sendable {
  let context: WorkerContext
  let gate: IntakeGate
  private static let interval = Duration.seconds(5)

  func run() async {
    var known: Set<BacklogKey> = []
    var isFull = false
    var outage: StoreWatch.Outage?
    defer { if let outage { context.store.ended(outage) } }
    while !Task.isCancelled {
      context.countUnknown()
      context.holds.refresh(context.providers.values)
      await context.room.refresh(context.ledger, providers: context.providers)
      do throws(LedgerError) {
        let entries = try await context.ledger.backlog()
        if let over = outage.take() { context.store.ended(over) }
        let keys = Set(entries.map { BacklogKey(lane: $0.lane, model: $0.model) })
        context.metrics.backlog(entries, gone: known.subtracting(keys), now: context.time.now())
        known = keys
      } catch {
        // An idle service notices it here only.
        if error.reason != .closed { outage = context.store.failed("read the backlog", error, after: outage) }
      }
      let reason = await reasonToWait(isFull: isFull)
      if (reason != nil) != isFull {
        isFull = reason != nil
        gate.set(open: !isFull)
        context.logger.warning("\(reason.map { "Intake waits: \($0)" } ?? "Intake goes on")")
      }
      if let reason {
        context.health.report(.backlog, "intake waits: \(reason)")
      } else {
        context.health.clear(.backlog)
      }
      guard (try? await context.time.sleep(for: Self.interval)) != nil else { return }
    }
  }

  /// What the ledger has too much or too little of. Once intake waits, it waits until there is a tenth of room, so that it
  /// does not flutter.
  private func reasonToWait(isFull: Bool) async -> String? {
    let configuration = context.configuration
    if let bytes = try? await context.ledger.backlogBytes() {
      let bound = configuration.maximumBacklogBytes
      if isFull ? bytes > bound / 10 * 9 : bytes >= bound {
        return "the backlog is \(bytes) bytes, its bound ledger.max_backlog_bytes is \(bound)"
      }
    }
    if let free = await configuration.freeDisk() {
      let bound = configuration.minimumFreeDisk
      if free < (isFull ? bound / 10 * 11 : bound) {
        return "the ledger's disk has \(free) bytes free, ledger.min_free_disk is \(bound)"
      }
    }
    return nil
  }
}
