import BatchCore
import Ledger
import Logging

/// Takes planned and submitted batches to their end, each in a task of its own.
final class BatchRunner: Sendable {
  private let context: WorkerContext
  private let inbox: BatchInbox
  private let submitter: BatchSubmitter
  private let reconciliation: BatchReconciliation
  private let harvester: BatchHarvester
  private let windows: WindowKeeper
  private let files: FileCleaner
  /// How often a batch that no key sees is looked for.
  private static let lookInterval = Duration.seconds(600)

  init(context: WorkerContext, inbox: BatchInbox, windows: WindowKeeper, files: FileCleaner) {
    self.context = context
    self.inbox = inbox
    self.windows = windows
    self.files = files
    submitter = BatchSubmitter(context: context, files: files, submitting: inbox.submitting)
    reconciliation = BatchReconciliation(context: context, submitter: submitter)
    harvester = BatchHarvester(context: context, files: files) { inbox.send($0) }
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
    var batch = batch
    // A batch that waits for its provider or an operator is no submission that a shutdown waits for.
    var isSubmitting = true
    func isOnItsWay() {
      if isSubmitting { inbox.submitting.leave() }
      isSubmitting = false
    }
    defer {
      isOnItsWay()
      // However it ended: its place may be free.
      context.places.changed(by: batch)
    }
    while !Task.isCancelled {
      switch batch.state {
      case .planned:
        guard let provider = context.providers[batch.key.provider], provider.account == batch.account else {
          return await replan(batch)
        }
        switch await submitter.submit(batch, to: provider) {
        case .submitted(let submitted): batch = submitted
        case .unknown(let unknown): batch = unknown
        case .returned: return windows.sweep()
        case .stopped: return
        }
      case .creating:
        isOnItsWay()
        switch await reconcile(batch) {
        case .submitted(let found): batch = found
        case .planned(let again):
          batch = again
          // It is a submission again, which a shutdown waits for.
          if !isSubmitting { inbox.submitting.enter() }
          isSubmitting = true
        case .answered: return windows.sweep()
        case .stopped: return
        }
      case .submitted:
        isOnItsWay()
        if await harvest(batch) { windows.sweep() }
        return
      case .settled, .abandoned: return
      }
    }
  }

  /// The provider with the key of the batch, else with the keys that it has.
  private func holders(of batch: BatchRecord) -> (providers: [any Provider], isPinned: Bool) {
    guard let current = context.providers[batch.key.provider] else { return ([], false) }
    if let pinned = current.holder(of: batch.account) { return ([pinned], true) }
    return (current.standIns(for: batch.account), false)
  }

  private func reconcile(_ batch: BatchRecord) async -> BatchReconciliation.Result {
    let (providers, isPinned) = holders(of: batch)
    guard let provider = providers.first else {
      context.isUnknown(batch, .unknown, "its create was not confirmed, and \(Self.notConfigured(batch))")
      return await reconciliation.decide(batch)
    }
    // A replica that held the batch may have been about to write its create: that ends with its lease, which is over.
    let configuration = context.configuration
    let others = context.ledger.isShared ? configuration.createTimeout + configuration.reconcileGrace : .zero
    return await reconciliation.run(
      batch, at: provider, isPinned: isPinned, earliestConclusion: context.time.monotonic() + others)
  }

  /// Returns whether rows may have gone back to the accepted rows.
  private func harvest(_ batch: BatchRecord) async -> Bool {
    var batch = batch
    let (providers, isPinned) = holders(of: batch)
    while !Task.isCancelled {
      var last: ProviderError?
      for provider in providers {
        switch await harvester.harvest(batch, from: provider, isPinned: isPinned) {
        case .settled:
          context.isKnown(batch)
          return true
        case .stopped: return false
        case .unreachable(let error, let cancelledAt):
          last = error
          batch.cancelledAt = cancelledAt
        }
      }
      let reason = last.map { "its key is not configured, and with another key \($0.message)" }
      context.isUnknown(
        batch, .unreachable,
        "\(reason ?? Self.notConfigured(batch)); it is kept: configure the key of \(batch.account) again, or decide with "
          + "millrace batches resolve")
      let again = providers.isEmpty ? nil : context.time.monotonic() + Self.lookInterval
      switch await context.resolution(of: batch, until: again) {
      case .resubmit: return await sendAgain(batch)
      case .giveUp:
        if case .answered = await reconciliation.giveUp(batch) { return true }
        return false
      case .adopt, nil: break
      }
    }
    return false
  }

  private static func notConfigured(_ batch: BatchRecord) -> String {
    "it belongs to the account \(batch.account), which is not configured"
  }

  /// An operator has a batch that nobody reaches sent again.
  private func sendAgain(_ batch: BatchRecord) async -> Bool {
    context.metrics.batch(provider: batch.key.provider, event: "resubmitted")
    context.isKnown(batch)
    return await giveBack(batch, costUnknown: true)
  }

  /// Its account's key was changed before anything reached the provider: the rows go into new batches, with the new key.
  private func replan(_ batch: BatchRecord) async { if await giveBack(batch) { windows.sweep() } }

  /// - Parameter costUnknown: Whether its rows may have run.
  private func giveBack(_ batch: BatchRecord, costUnknown: Bool = false) async -> Bool {
    let now = context.time.now()
    let done: Void? = await context.retry("take a batch apart") { () async throws(LedgerError) in
      try await context.ledger.abandon(batch.id, notBefore: now, limit: nil, costUnknown: costUnknown, at: now)
    }
    return done != nil
  }
}
