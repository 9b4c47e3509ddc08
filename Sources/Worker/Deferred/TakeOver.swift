import BatchCore
import Ledger
import Logging

/// Goes on with what processes that are gone have left in the ledger: at start, and as long as others share it.
struct TakeOver: Sendable {
  let context: WorkerContext
  let batches: BatchInbox
  let windows: WindowKeeper
  let calls: CallDispatcher

  /// Takes over everything that is free now.
  func resume() async {
    while !Task.isCancelled {
      let taken = await context.retry("look for work that was left") { () async throws(LedgerError) in
        try await context.ledger.takeOver(at: context.time.now())
      }
      guard let taken else { return }
      await follow(taken)
      if taken.isEmpty { break }
    }
    // What is this process's own, from before a fault of the store or from a start.
    windows.sweep()
    calls.parkedWorkIsReady()
    context.outboxReady.raise()
  }

  /// Looks for what others leave until the task is cancelled.
  func run() async {
    guard context.ledger.isShared else { return }
    while (try? await context.time.sleep(for: context.configuration.takeOverInterval)) != nil {
      guard let taken = try? await context.ledger.takeOver(at: context.time.now()) else { continue }
      await follow(taken)
    }
  }

  private func follow(_ taken: TakenOver) async {
    var hasReleased = false
    for batch in taken.batches {
      context.metrics.batch(provider: batch.key.provider, event: "taken_over")
      if await wasBeingTakenApart(batch) {
        await takeApart(batch)
        hasReleased = true
      } else {
        batches.send(batch)
      }
    }
    if !taken.isEmpty, context.ledger.isShared {
      context.logger.info(
        "Took over the work of a replica that is gone", metadata: ["batches": "\(taken.batches.count)"])
    }
    if taken.windows || hasReleased { windows.sweep() }
    if taken.parked { calls.parkedWorkIsReady() }
    if taken.replies { context.outboxReady.raise() }
  }

  /// Rows leave a planned batch only where it is taken apart. One whose process ended in the middle of that has fewer than it
  /// says, and cannot be sent as what it is.
  private func wasBeingTakenApart(_ batch: BatchRecord) async -> Bool {
    guard batch.state == .planned else { return false }
    var rows = 0
    let isRead = await context.forUnsettledRows(of: batch, "look for the rows of a batch") { rows += $0.count }
    return isRead && rows < batch.rowCount
  }

  private func takeApart(_ batch: BatchRecord) async {
    context.logger.info("Batch is taken apart to its end", metadata: ["batch": "\(batch.label)"])
    _ = await context.retry("take a batch apart") { () async throws(LedgerError) in
      let now = context.time.now()
      try await context.ledger.abandon(batch.id, notBefore: now, limit: nil, at: now)
    }
  }
}
