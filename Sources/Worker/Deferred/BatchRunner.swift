import BatchCore
import Ledger
import Logging

/// Takes planned and submitted batches to their end, each in a task of its own.
final class BatchRunner: Sendable {
  private let context: WorkerContext
  private let inbox: BatchInbox
  private let submitter: BatchSubmitter
  private let harvester: BatchHarvester
  private let windows: WindowKeeper

  init(context: WorkerContext, inbox: BatchInbox, windows: WindowKeeper) {
    self.context = context
    self.inbox = inbox
    self.windows = windows
    submitter = BatchSubmitter(context: context)
    harvester = BatchHarvester(context: context) { inbox.send($0) }
  }

  /// No batch is started after it; `run` returns when the running ones end or are cancelled.
  func close() { inbox.close() }

  func run() async {
    await withDiscardingTaskGroup { group in
      while let batches = await inbox.next() {
        for batch in batches { group.addTask { await self.work(batch) } }
      }
    }
  }

  /// One batch to its end. Returns early only when the task is cancelled: the ledger knows where to go on.
  private func work(_ batch: BatchRecord) async {
    let current = context.providers[batch.key.provider]
    if batch.state == .planned, let current, current.account != batch.account {
      await replan(batch)
      inbox.submitting.leave()
      return
    }
    guard let provider = current?.holder(of: batch.account) else {
      let detail =
        "batch \(batch.label) belongs to the account \(batch.account), which is not configured; it waits until that key is back"
      context.health.report(.batch(batch.label), detail)
      context.logger.error("\(detail)")
      inbox.submitting.leave()
      return
    }
    let submitted = await submitter.submit(batch, to: provider)
    inbox.submitting.leave()
    switch submitted {
    case .submitted(let submitted):
      if await harvester.harvest(submitted, from: provider) { windows.sweep() }
    case .returned: windows.sweep()
    case .stopped: break
    }
  }

  /// Its account's key was changed before anything reached the provider: the rows go into new batches, with the new key.
  private func replan(_ batch: BatchRecord) async {
    let now = context.time.now()
    let done: Void? = await context.retry("take a batch apart") { () async throws(LedgerError) in
      try await context.ledger.abandon(batch.id, notBefore: now, limit: nil, at: now)
    }
    if done != nil { windows.sweep() }
  }
}
