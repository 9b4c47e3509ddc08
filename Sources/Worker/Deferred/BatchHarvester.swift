import BatchCore
import Ledger
import Logging

/// Watches a submitted batch until it is terminal and brings every result home, whatever the state it ended in.
struct BatchHarvester: Sendable {
  let context: WorkerContext
  private let repair: BatchRepair
  private let files: FileCleaner
  private let downloads = Permits(2)

  init(context: WorkerContext, files: FileCleaner, start: @escaping @Sendable (BatchRecord) -> Void) {
    self.context = context
    self.files = files
    repair = BatchRepair(context: context, start: start)
  }

  enum Result: Sendable {
    /// Its rows are answered, or went back to the accepted rows.
    case settled
    /// Seen with another key than its own, it is not there; with when it was decided that it be cancelled, if it was.
    case unreachable(ProviderError, cancelledAt: Timestamp?)
    case stopped
  }

  /// A provider that wants less for a cancel would have us ask for the batch as often.
  private static let shortestPause = Duration.seconds(1)

  /// - Parameter isPinned: Whether the provider has the key that the batch was made with: only then does it count that the
  ///   batch is not found.
  func harvest(_ batch: BatchRecord, from provider: any Provider, isPinned: Bool) async -> Result {
    guard let id = batch.providerBatchID else { return .stopped }
    // Its age counts on from what the wall clock says now, whatever happens to that clock later.
    let age = max(.zero, context.time.now() - (batch.submittedAt ?? batch.createdAt))
    var poll = BatchPoll(
      interval: context.configuration.pollInterval, since: context.time.monotonic() + (.zero - age))
    var endedAt: Timestamp?
    // Over all looks: a download that breaks off is not the end of it.
    var count: TokenCount?
    let wanted = context.openBatches.enter(batch, at: provider)
    defer { context.openBatches.leave(batch.id) }
    var cancel = BatchCancel(context: context, batch: batch, provider: provider, id: id)
    defer { cancel.end() }
    while !Task.isCancelled {
      var isSeen = false
      let isDecided = context.openBatches.cancelledAt(batch) != nil
      if isDecided, await cancel.send() { poll.restart(at: context.time.monotonic()) }
      let delay = poll.delay(at: context.time.monotonic())
      _ = await wanted.wait(
        upTo: isDecided ? min(delay, cancel.pause.map { max($0, Self.shortestPause) } ?? delay) : delay, context.time)
      if Task.isCancelled { return .stopped }
      // Before the next look; one that cannot be sent keeps no result waiting.
      if !isDecided, context.openBatches.cancelledAt(batch) != nil { continue }
      guard await context.holds.wait(.poll, at: provider) else { return .stopped }
      do throws(ProviderError) {
        let snapshot = try await provider.retrieve(id)
        poll.answered()
        context.health.clear(.batch(batch.label))
        if !isPinned { context.isKnown(batch) }
        isSeen = true
        context.openBatches.saw(snapshot, of: batch.id)
        guard snapshot.state.isTerminal else {
          if cancel.isRefused, snapshot.state != .cancelling { context.openBatches.cancelWasRefused(batch.id) }
          continue
        }
        let now = context.time.monotonic()
        if endedAt == nil, snapshot.state != .failed { await context.learn(.ran, from: batch) }
        let ended = endedAt ?? now
        endedAt = ended
        let graceOver = now - ended >= context.configuration.settleGrace
        if try await collect(batch, snapshot, provider, &count, graceOver: graceOver) {
          context.metrics.batch(provider: provider.name, event: "\(snapshot.state)")
          context.deadlines.batchEnded()
          context.openBatches.changed.raise()
          context.logger.info("Batch settled", metadata: ["batch": "\(batch.label)", "state": "\(snapshot.state)"])
          files.clean(
            snapshot.inputFileID ?? batch.inputFileID, snapshot.outputFileID, snapshot.errorFileID, of: batch)
          return .settled
        }
      } catch {
        if error.reason == .cancelled { return .stopped }
        if !isPinned, !isSeen, error.reason.isAboutKey {
          return .unreachable(error, cancelledAt: context.openBatches.cancelledAt(batch))
        }
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
    _ batch: BatchRecord, _ snapshot: BatchSnapshot, _ provider: any Provider, _ count: inout TokenCount?,
    graceOver: Bool
  ) async throws(ProviderError) -> Bool {
    var seen = 0
    var bill = BatchBill()
    let lines = await context.retry("look for a batch's lines") { () async throws(LedgerError) in
      try await context.ledger.lines(of: batch.id)
    }
    guard let lines else { throw Self.stopped }
    let owners = LineResults(batch, lines)
    for file in [snapshot.outputFileID, snapshot.errorFileID].compactMap({ $0 }) {
      guard await context.holds.wait(.fetch, at: provider) else { throw Self.stopped }
      await downloads.acquire()
      defer { downloads.release() }
      if count == nil {
        var all = TokenCount()
        guard await context.forUnsettledRows(of: batch, "look for rows without results", { all.expect($0) }) else {
          throw Self.stopped
        }
        count = all
      }
      do throws(ProviderError) {
        seen += try await read(file, of: batch, owners, provider, &count, &bill)
      } catch {
        // A file that is gone for good must not keep the rest of the batch waiting.
        guard graceOver, error.reason == .notFound else { throw error }
      }
    }
    if let lesson = count?.takeLesson() { await context.learn(lesson, from: batch) }
    let now = context.time.now()
    let missing = await context.retry("look for missing results") { () async throws(LedgerError) in
      try await context.ledger.unsettledRows(batch.id, after: nil, limit: 1)
    }
    guard let missing else { return false }
    // Files may appear a little after the state does; what ran is not to be sent, and paid, again. Nor are the files
    // deleted where nothing is missing: results of what was sent twice cost something.
    let isHidden = snapshot.hidesResults(seen: seen)
    if isHidden && !graceOver { return false }
    if !missing.isEmpty {
      switch snapshot.state {
      case .failed:
        return await repair.repair(batch, snapshot)
      case .expired where isHidden, .cancelled where isHidden:
        return await finishMissing(batch, snapshot, isHidden: true)
      case .cancelled where context.openBatches.cancelledAt(batch) != nil:
        // Ours: it says nothing about the requests.
        return await giveBack(batch, notBefore: now, limit: nil)
      case .expired, .cancelled:
        let code: FailureCode = snapshot.state == .expired ? .batchExpired : .providerUnavailable
        let limit = context.policy.limit(
          code, "the provider ended the batch as \(snapshot.state) before this request ran")
        return await giveBack(batch, notBefore: now, limit: limit)
      case .completed, .queued, .running, .cancelling, .unrecognised:
        guard graceOver else { return false }
        return await finishMissing(batch, snapshot, isHidden: isHidden)
      }
    }
    if let difference = bill.difference(from: snapshot.usage) {
      context.logger.warning(
        "Usage of a batch does not agree with that of its rows",
        metadata: ["batch": "\(batch.label)", "difference": "\(difference)"])
    }
    return await settle(batch, at: now)
  }

  /// Returns false where rows have come back to the batch meanwhile: the next look is about them too.
  private func settle(_ batch: BatchRecord, at now: Timestamp) async -> Bool {
    let settled = await context.retry.unlessRefused("settle a batch") { () async throws(LedgerError) in
      try await context.ledger.settle(batch.id, at: now)
    }
    if case .failure(let error) = settled {
      context.logger.notice(
        "Batch cannot be settled yet", metadata: ["batch": "\(batch.label)", "error": "\(error)"])
    }
    return if case .success = settled { true } else { false }
  }

  /// Returns how many lines of this batch the file answers.
  private func read(
    _ file: String, of batch: BatchRecord, _ owners: LineResults, _ provider: any Provider,
    _ count: inout TokenCount?, _ bill: inout BatchBill
  ) async throws(ProviderError) -> Int {
    let source = try await provider.results(fileID: file, of: batch.key.endpoint)
    let route = Route(provider: batch.key.provider, model: batch.key.model)
    // The price of the time when it was planned holds, if it was known.
    let price = batch.price ?? context.price(of: route)
    let isCancelled = context.openBatches.cancelledAt(batch) != nil
    var strangers = 0
    var known = 0
    while let results = try await source.next() {
      let now = context.time.now()
      let lines = results.compactMap(owners.rows)
      strangers += results.count - lines.count
      known += lines.count
      let rows = lines.flatMap { $0 }
      let outcomes = rows.map { row in
        let usage = row.result.usage
        count?.add(usage, of: row.id)
        bill.add(usage)
        let charge = Charge(usage, price: price, lane: .deferred)
        return AttemptOutcome(
          id: row.id, attempt: row.attempt, batch: batch.id,
          verdict: context.policy.verdict(
            on: row.result, attempt: row.attempt, isOfLine: row.isOfLine, isCancelled: isCancelled, at: now,
            random: context.random()),
          response: row.result.response, usage: usage, cost: charge.cost, basis: charge.basis,
          costUnknown: row.wasPaidUnseen, route: route, listCost: charge.list, fullCost: charge.full)
      }
      guard let recorded = await context.recorder.record("record results", outcomes) else {
        throw Self.stopped
      }
      context.outboxReady.raise(.bulk)
      note(rows.map(\.result), recorded.outcomes, recorded.results, batch)
      noteMisfits(rows, recorded, batch)
      closeAccount(results, provider)
    }
    context.metrics.unreadable(provider: provider.name, by: strangers + source.unreadableLines)
    if strangers + source.unreadableLines > 0 {
      context.logger.warning(
        "Result lines that name no request of their batch",
        metadata: ["batch": "\(batch.label)", "lines": "\(strangers + source.unreadableLines)"])
    }
    return known
  }

  /// Rows that say that the account is closed suspend what would be sent to it, once.
  private func closeAccount(_ results: [BatchResult], _ provider: any Provider) {
    let fault = results.lazy.compactMap { result -> AccountFault? in
      if case .accountClosed(let fault) = result.disposition { fault } else { nil }
    }.first
    guard let fault else { return }
    let gate = CallRouting(context: context).batches(of: provider.name)
    let now = context.time.monotonic()
    guard case .continue(let place) = context.gates.reserve(gate, .zero, waiting: 1, now: now) else { return }
    context.gates.settle(gate, place, CallEnd(.accountClosed(fault)), now: now)
  }

  private static let stopped = ProviderError(.cancelled, isAmbiguous: false, message: "stopped")

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

  private func giveBack(
    _ batch: BatchRecord, notBefore: Timestamp, limit: AttemptOutcome.Limit?, costUnknown: Bool = false
  ) async -> Bool {
    let done: Void? = await context.retry("take a batch apart") { () async throws(LedgerError) in
      try await context.ledger.abandon(
        batch.id, notBefore: notBefore, limit: limit, costUnknown: costUnknown, at: context.time.now())
    }
    context.outboxReady.raise(.bulk)
    return done != nil
  }

  /// The batch is over, its files are read to the end and the grace is over. What the provider counts as run was paid
  /// and is not sent again; what it does not count is.
  ///
  /// - Parameter isHidden: Whether some of them ran, and nobody can tell which.
  private func finishMissing(_ batch: BatchRecord, _ snapshot: BatchSnapshot, isHidden: Bool) async -> Bool {
    let message = "the provider ended the batch as \(snapshot.state) without a result for this request"
    let ranAll = snapshot.counts.map { $0.ended >= $0.total && $0.total > 0 } ?? false
    guard ranAll else {
      return await giveBack(
        batch, notBefore: context.time.now(), limit: context.policy.limit(.resultMissing, message),
        costUnknown: isHidden)
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
