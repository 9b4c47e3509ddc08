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
      follow(taken)
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
      follow(taken)
    }
  }

  private func follow(_ taken: TakenOver) {
    for batch in taken.batches {
      context.metrics.batch(provider: batch.key.provider, event: "taken_over")
      batches.send(batch)
    }
    if !taken.isEmpty, context.ledger.isShared {
      context.logger.info(
        "Took over the work of a replica that is gone", metadata: ["batches": "\(taken.batches.count)"])
    }
    if taken.windows { windows.sweep() }
    if taken.parked { calls.parkedWorkIsReady() }
    if taken.replies { context.outboxReady.raise() }
  }
}
