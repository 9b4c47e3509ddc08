import BatchCore
import Ledger
import Logging

/// Watches a submitted batch until it is terminal and brings every result home, whatever the state it ended in.
struct BatchHarvester: Sendable {
  let context: WorkerContext
  private let repair: BatchRepair
  private let downloads = Permits(2)

  init(context: WorkerContext, start: @escaping @Sendable (BatchRecord) -> Void) {
    self.context = context
    repair = BatchRepair(context: context, start: start)
  }

  enum Result: Sendable {
    /// Its rows are answered, or went back to the accepted rows.
    case settled
    /// Seen with another key than its own, it is not there.
    case unreachable(ProviderError)
    case stopped
  }

  /// - Parameter isPinned: Whether the provider has the key that the batch was made with: only then does it count that the
  ///   batch is not found.
  func harvest(_ batch: BatchRecord, from provider: any Provider, isPinned: Bool) async -> Result {
    guard let id = batch.providerBatchID else { return .stopped }
    // Its age counts on from what the wall clock says now, whatever happens to that clock later.
    let age = max(.zero, context.time.now() - (batch.submittedAt ?? batch.createdAt))
    var poll = BatchPoll(
      interval: context.configuration.pollInterval, since: context.time.monotonic() + (.zero - age))
    var endedAt: Timestamp?
    while !Task.isCancelled {
      var isSeen = false
      guard (try? await context.time.sleep(for: poll.delay(at: context.time.monotonic()))) != nil else { return .stopped }
      do throws(ProviderError) {
        let snapshot = try await provider.retrieve(id)
        poll.answered()
        context.health.clear(.batch(batch.label))
        if !isPinned { context.isKnown(batch) }
        isSeen = true
        guard snapshot.state.isTerminal else { continue }
        let now = context.time.monotonic()
        let ended = endedAt ?? now
        endedAt = ended
        let graceOver = now - ended >= context.configuration.settleGrace
        if try await collect(batch, snapshot, provider, graceOver: graceOver) {
          context.metrics.batch(provider: provider.name, event: "\(snapshot.state)")
          context.logger.info("Batch settled", metadata: ["batch": "\(batch.label)", "state": "\(snapshot.state)"])
          return .settled
        }
      } catch {
        if error.reason == .cancelled { return .stopped }
        if !isPinned, !isSeen, error.reason.isAboutKey { return .unreachable(error) }
        if poll.failed(error, at: context.time.monotonic()), isPinned {
          await lost(batch, error)
          return .settled
        }
        if poll.failures >= 3 {
          context.health.report(.batch(batch.label), "batch \(batch.label): \(error.message)")
        }
        context.logger.warning(
          "Batch cannot be read yet", metadata: ["batch": "\(batch.label)", "error": "\(error.message)"])
      }
    }
    return .stopped
  }

  /// Reads both files and decides about the rows that they do not mention. Returns whether the batch is settled.
  private func collect(
    _ batch: BatchRecord, _ snapshot: BatchSnapshot, _ provider: any Provider, graceOver: Bool
  ) async throws(ProviderError) -> Bool {
    var seen = 0
    for file in [snapshot.outputFileID, snapshot.errorFileID].compactMap({ $0 }) {
      await downloads.acquire()
      defer { downloads.release() }
      do throws(ProviderError) {
        seen += try await read(file, of: batch, provider)
      } catch {
        // A file that is gone for good must not keep the rest of the batch waiting.
        guard graceOver, error.reason == .notFound else { throw error }
      }
    }
    let now = context.time.now()
    let missing = await context.retry("look for missing results") { () async throws(LedgerError) in
      try await context.ledger.unsettledRows(batch.id, after: nil, limit: 1)
    }
    guard let missing else { return false }
    if !missing.isEmpty {
      // Files may appear a little after the state does; what ran is not to be sent, and paid, again.
      let isHidden = snapshot.hidesResults(seen: seen)
      if isHidden && !graceOver { return false }
      switch snapshot.state {
      case .failed:
        return await repair.repair(batch, snapshot)
      case .expired where isHidden, .cancelled where isHidden:
        return await finishMissing(batch, snapshot)
      case .expired, .cancelled:
        let code: FailureCode = snapshot.state == .expired ? .batchExpired : .providerUnavailable
        let limit = context.policy.limit(
          code, "the provider ended the batch as \(snapshot.state) before this request ran")
        return await giveBack(batch, notBefore: now, limit: limit)
      case .completed, .queued, .running, .cancelling, .unrecognised:
        guard graceOver else { return false }
        return await finishMissing(batch, snapshot)
      }
    }
    let settled: Void? = await context.retry("settle a batch") { () async throws(LedgerError) in
      try await context.ledger.settle(batch.id, at: now)
    }
    return settled != nil
  }

  /// Returns how many results of this batch the file holds.
  private func read(_ file: String, of batch: BatchRecord, _ provider: any Provider) async throws(ProviderError) -> Int
  {
    let source = try await provider.results(fileID: file)
    let route = Route(provider: batch.key.provider, model: batch.key.model)
    var strangers = 0
    var known = 0
    while let results = try await source.next() {
      let now = context.time.now()
      var outcomes: [AttemptOutcome] = []
      outcomes.reserveCapacity(results.count)
      for result in results {
        guard let name = CustomID.parse(result.customID, label: batch.label) else {
          strangers += 1
          continue
        }
        let (cost, basis) = context.cost(route: route, lane: .deferred, usage: result.usage)
        outcomes.append(
          AttemptOutcome(
            id: name.request, attempt: name.attempt, batch: batch.id,
            verdict: context.policy.verdict(on: result, attempt: name.attempt, at: now, random: context.random()),
            response: result.response, usage: result.usage, cost: cost, basis: basis))
      }
      known += outcomes.count
      let recorded = await context.retry("record results") { [outcomes] () async throws(LedgerError) in
        try await context.ledger.record(outcomes, at: now)
      }
      guard let recorded else { throw ProviderError(.cancelled, isAmbiguous: false, message: "stopped") }
      context.outboxReady.raise()
      note(results, outcomes, recorded, batch)
    }
    context.metrics.unreadable(provider: provider.name, by: strangers + source.unreadableLines)
    if strangers + source.unreadableLines > 0 {
      context.logger.warning(
        "Result lines that name no request of their batch",
        metadata: ["batch": "\(batch.label)", "lines": "\(strangers + source.unreadableLines)"])
    }
    return known
  }

  private func note(
    _ results: [BatchResult], _ outcomes: [AttemptOutcome], _ recorded: [RecordedOutcome], _ batch: BatchRecord
  ) {
    let provider = batch.key.provider
    let fresh = zip(outcomes, recorded).filter { $0.1 != .duplicate && $0.1 != .unknown }.map(\.0)
    context.metrics.rows(provider: provider, results)
    context.metrics.usage(
      provider: provider, lane: .deferred, fresh.compactMap(\.usage), cost: fresh.compactMap(\.cost))
    context.metrics.superseded(provider: provider, by: recorded.count { $0 == .superseded })
    let finished = zip(outcomes, recorded).filter { $0.1 == .finished }.map(\.0)
    let succeeded = finished.count { $0.verdict == .finish(nil) }
    context.metrics.outcome(lane: .deferred, succeeded: true, by: succeeded)
    context.metrics.outcome(lane: .deferred, succeeded: false, by: finished.count - succeeded)
  }

  private func giveBack(_ batch: BatchRecord, notBefore: Timestamp, limit: AttemptOutcome.Limit?) async -> Bool {
    let done: Void? = await context.retry("take a batch apart") { () async throws(LedgerError) in
      try await context.ledger.abandon(batch.id, notBefore: notBefore, limit: limit, at: context.time.now())
    }
    context.outboxReady.raise()
    return done != nil
  }

  /// The batch is over, its files are read to the end and the grace is over. What the provider counts as run was paid
  /// and is not sent again; what it does not count is.
  private func finishMissing(_ batch: BatchRecord, _ snapshot: BatchSnapshot) async -> Bool {
    let message = "the provider ended the batch as \(snapshot.state) without a result for this request"
    let ranAll = snapshot.counts.map { $0.ended >= $0.total && $0.total > 0 } ?? false
    guard ranAll else {
      return await giveBack(
        batch, notBefore: context.time.now(), limit: context.policy.limit(.resultMissing, message))
    }
    return await MissingResults(context: context).answer(batch, Failure(.resultMissing, message))
  }

  /// The provider has forgotten the batch.
  private func lost(_ batch: BatchRecord, _ error: ProviderError) async {
    context.logger.error(
      "Batch is lost at its provider", metadata: ["batch": "\(batch.label)", "error": "\(error.message)"])
    context.metrics.batch(provider: batch.key.provider, event: "lost")
    context.health.clear(.batch(batch.label))
    let failure = Failure(.resultMissing, "the provider no longer knows the batch \(batch.providerBatchID ?? "")")
    _ = await MissingResults(context: context).answer(batch, failure)
  }
}

extension BatchSnapshot {
  /// Whether the provider counts more results than it shows, or counts and shows none.
  fileprivate func hidesResults(seen: Int) -> Bool {
    guard let counts else { return state != .failed && outputFileID == nil && errorFileID == nil }
    return counts.ended > seen
  }
}

extension BatchSnapshot.Counts {
  /// The provider's numbers may be anything.
  fileprivate var ended: Int {
    let (sum, overflow) = completed.addingReportingOverflow(failed)
    return overflow ? .max : sum
  }
}
