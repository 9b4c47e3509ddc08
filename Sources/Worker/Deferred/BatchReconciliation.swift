import BatchCore
import Ledger
import Logging

/// Finds out what became of a create that was not confirmed: carries out what `Reconciler` decides.
struct BatchReconciliation: Sendable {
  enum Result: Sendable {
    case submitted(BatchRecord)
    /// Nothing is there and nothing can come: it is planned again, under the same label.
    case planned(BatchRecord)
    /// Its rows were answered.
    case answered
    case stopped
  }

  let context: WorkerContext
  let submitter: BatchSubmitter

  /// - Parameters:
  ///   - isPinned: Whether the provider has the key that the batch was made with: only then does it count that nothing is
  ///     found.
  ///   - earliestConclusion: On the monotonic clock; nil where nobody else can write the create any more.
  func run(
    _ batch: BatchRecord, at provider: any Provider, isPinned: Bool, earliestConclusion: Timestamp? = nil
  ) async -> Result {
    let grace = context.configuration.reconcileGrace
    let capabilities = provider.capabilities
    var machine = Reconciler(
      ReconcileTerms(
        grace: grace, listingLag: grace, inputFileID: capabilities.fencedByInputFile ? batch.inputFileID : nil,
        isSearchable: capabilities.searchable, isConclusive: isPinned, earliestConclusion: earliestConclusion),
      at: context.time.monotonic())
    context.isUnknown(batch, .unknown, "its create was not confirmed; \(provider.name) is searched for it")
    var failures = 0
    var told: BatchResolution?
    while !Task.isCancelled {
      var event: Reconciler.Event
      do throws(ProviderError) {
        switch machine.action {
        case .search:
          event = .found(
            try await provider.findBatches(await search(for: batch)))
        case .deleteInputFile(let file):
          try await delete(file, at: provider)
          event = .inputFileDeleted
        case .wait(let until):
          event = await context.resolution(of: batch, until: until).map { .told($0) } ?? .waited
        case .ask(let question, let until):
          context.isUnknown(batch, .unknown, question.text(provider.name))
          event = await context.resolution(of: batch, until: until).map { .told($0) } ?? .waited
        case .adopt(let found):
          context.metrics.batch(provider: provider.name, event: "adopted")
          return await confirm(batch, found)
        case .adoptNamed(let id):
          // Also one that the provider does not show now: the operator's word counts, and a later look tells.
          let found = try? await provider.retrieve(id)
          return await confirm(batch, found ?? BatchSnapshot(id: id, state: .running))
        case .resubmit: return await planAgain(batch)
        case .giveUp: return await giveUp(batch)
        }
        failures = 0
      } catch {
        if error.reason == .cancelled { return .stopped }
        failures += 1
        event = await afterFailure(error, failures, batch, provider, known: told)
      }
      if Task.isCancelled { return .stopped }
      if case .told(let resolution) = event { told = resolution }
      _ = machine.handle(event, at: context.time.monotonic())
    }
    return .stopped
  }

  /// What is known of the batch. Where the ledger does not answer, no other batch counts as known, which only makes the
  /// search longer.
  private func search(for batch: BatchRecord) async -> BatchSearch {
    let others = (try? await context.ledger.openBatches()) ?? []
    return BatchSearch(
      label: batch.label, inputFileID: batch.inputFileID, createdAfter: batch.createdAt, rowCount: batch.rowCount,
      otherBatches: Set(others.filter { $0.id != batch.id }.compactMap(\.providerBatchID)))
  }

  /// A batch whose provider is not configured: only an operator can tell.
  func decide(_ batch: BatchRecord) async -> Result {
    switch await context.resolution(of: batch, until: nil) {
    case .adopt(let id): await confirm(batch, BatchSnapshot(id: id, state: .running))
    case .resubmit: await planAgain(batch)
    case .giveUp: await giveUp(batch)
    case nil: .stopped
    }
  }

  /// Waits before the next try; an operator may decide meanwhile, or otherwise.
  private func afterFailure(
    _ error: ProviderError, _ failures: Int, _ batch: BatchRecord, _ provider: any Provider, known: BatchResolution?
  ) async -> Reconciler.Event {
    if failures >= 3 {
      context.isUnknown(batch, .unknown, "its create was not confirmed, and it cannot be looked for: \(error.message)")
    }
    context.logger.warning(
      "Batch cannot be looked for yet", metadata: ["batch": "\(batch.label)", "error": "\(error.message)"])
    let delay = submitter.delay(after: error, attempt: failures)
    let until = context.time.monotonic() + delay
    return await context.resolution(of: batch, otherThan: known, until: until).map { .told($0) } ?? .failed
  }

  private func delete(_ file: String, at provider: any Provider) async throws(ProviderError) {
    do throws(ProviderError) {
      try await provider.deleteFile(file)
    } catch {
      if error.reason != .notFound { throw error }
    }
  }

  private func confirm(_ batch: BatchRecord, _ found: BatchSnapshot) async -> Result {
    guard let submitted = await submitter.confirm(batch, found) else { return .stopped }
    context.isKnown(batch)
    return .submitted(submitted)
  }

  private func planAgain(_ batch: BatchRecord) async -> Result {
    let marked: Void? = await context.retry("note that a create did not happen") { () async throws(LedgerError) in
      try await context.ledger.markPlanned(batch.id)
    }
    guard marked != nil else { return .stopped }
    context.isKnown(batch)
    context.metrics.batch(provider: batch.key.provider, event: "resubmitted")
    var batch = batch
    batch.state = .planned
    batch.inputFileID = nil
    return .planned(batch)
  }

  func giveUp(_ batch: BatchRecord) async -> Result {
    let failure = Failure(
      .resultMissing, "nobody knows whether the provider ran this request: an operator gave its batch up")
    guard await MissingResults(context: context).answer(batch, failure) else { return .stopped }
    context.isKnown(batch)
    context.metrics.batch(provider: batch.key.provider, event: "given_up")
    return .answered
  }
}

extension ReconcileQuestion {
  /// What an operator reads.
  fileprivate func text(_ provider: String) -> String {
    let decide = "decide with millrace batches resolve"
    return switch self {
    case .notSearchable: "its create was not confirmed and \(provider) cannot be searched; \(decide)"
    case .severalMatches(let ids):
      "its create was not confirmed and \(provider) has several batches of its label (\(ids.joined(separator: ", "))); "
        + decide
    case .anotherKey:
      "its create was not confirmed, its key is not configured and no other key sees it; configure the key again, or "
        + decide
    }
  }
}
