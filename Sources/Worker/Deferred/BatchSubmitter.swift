import BatchCore
import Ledger
import Logging

/// The second and third step of a submission: upload and create, then confirm. The first, the intent, is committed.
struct BatchSubmitter: Sendable {
  enum Result: Sendable {
    case submitted(BatchRecord)
    /// The create may have happened.
    case unknown(BatchRecord)
    /// Its rows went back to the accepted rows, or were answered.
    case returned
    case stopped
  }

  let context: WorkerContext
  private let files: FileCleaner
  /// Left while a batch waits for its account: a shutdown does not wait for that.
  let submitting: Latch
  /// Two uploads saturate a link; more only take memory.
  private let uploads = Permits(2)

  init(context: WorkerContext, files: FileCleaner, submitting: Latch) {
    self.context = context
    self.files = files
    self.submitting = submitting
  }

  private func submission(_ batch: BatchRecord, _ lines: BatchLines?, _ provider: any Provider) -> BatchSubmission {
    BatchSubmission(
      label: batch.label, endpoint: batch.key.endpoint, model: batch.key.model,
      rowCount: lines?.count ?? batch.rowCount, inputBytes: batch.inputBytes(lines, at: provider))
  }

  /// Submits a planned batch.
  func submit(_ batch: BatchRecord, to provider: any Provider) async -> Result {
    guard provider.capabilities.batches else { return await giveBack(batch, "its account has no batches") }
    var deadline = EarliestDeadline(batch, context: context)
    guard let lines = await lines(of: batch, at: provider) else { return .stopped }
    var batch = batch
    let submission = submission(batch, lines, provider)
    var attempt = 1
    var wasGranted = false
    var input = input(of: batch, lines, provider)
    let gate = CallRouting(context: context).batches(of: provider.name)
    while !Task.isCancelled {
      let step = input == nil ? ProviderOperation.upload : .create
      switch await pass(step, at: provider, &deadline) {
      case .over: break
      case .tooLate:
        return await giveBack(
          batch, "a deadline in it is too near while its provider wanted a pause", file: input?.fileID)
      case .stopped: return .stopped
      }
      // Again before each step, and after what it had to wait for: what is learned while a file is on its way keeps its batch
      // from being refused.
      switch await takePlace(batch, isFirst: !wasGranted, &deadline) {
      case .granted: wasGranted = true
      case .tooLarge:
        return await giveBack(batch, "it is larger than its account has room for", file: input?.fileID)
      case .tooLate:
        return await giveBack(
          batch, "a deadline in it is too near while it waited for its account", file: input?.fileID)
      case .stopped: return .stopped
      }
      if context.holds.pause(step, at: provider) != nil { continue }
      let place: Reservation
      switch context.gates.reserve(gate, .zero, waiting: 1, now: context.time.monotonic()) {
      case .continue(let reservation): place = reservation
      case .wait(let until):
        let wait = max(.milliseconds(1), until - context.time.monotonic())
        switch await deadline.rest(wait) {
        case .over: continue
        case .tooLate:
          return await giveBack(batch, "a deadline in it is too near while its account was paused", file: input?.fileID)
        case .stopped: return .stopped
        }
      case .refuse(let refusal):
        return await giveBack(
          batch, "its account is closed for \(refusal.until - context.time.monotonic())", file: input?.fileID)
      }
      // What has become of it is told before anything waits.
      var isOpen = true
      func settle(_ what: CallEnd) {
        if isOpen { context.gates.settle(gate, place, what, now: context.time.monotonic()) }
        isOpen = false
      }
      defer { settle(CallEnd(nil as Disposition?)) }
      do throws(ProviderError) {
        guard let source = input else {
          let file = try await upload(submission, batch, lines, provider)
          input = .file(file)
          batch.inputFileID = file
          settle(CallEnd(.succeeded))
          continue
        }
        guard await mark(batch, creating: source.fileID) else { return .stopped }
        guard mayCreate() else {
          // Nothing was written, so nothing is unknown.
          guard await unmark(batch) else { return .stopped }
          settle(CallEnd(nil as Disposition?))
          throw ProviderError(
            .unavailable(retryAfter: nil), isAmbiguous: false, message: "the lease is too short for a create")
        }
        let snapshot = try await create(submission, source, provider)
        settle(CallEnd(.succeeded))
        return await confirm(batch, snapshot).map { .submitted($0) } ?? .stopped
      } catch {
        settle(CallEnd(error, longestPause: context.configuration.maximumRetryAfter))
        if error.isAmbiguous, input != nil {
          batch.state = .creating
          return .unknown(batch)
        }
        // Known not to have happened: it counts neither as a create of this hour nor as unknown.
        if input != nil, error.reason != .cancelled, !(await unmark(batch)) { return .stopped }
        switch error.reason {
        case .cancelled: return .stopped
        case .notFound:
          // The input file is gone: a new one is uploaded.
          input = self.input(of: batch, lines, provider)
        case .rejected(413) where input?.fileID == nil && batch.rowCount > 1:
          await context.learn(.refusedBytes(submission.inputBytes, named: NamedLimit.parse(error.message)), from: batch)
          return await giveBack(batch, "its input is too large: \(error.message)")
        case .rejected(let status):
          return await refused(
            batch, "the provider \(provider.name) refused batch \(batch.label) with \(status): \(error.message)",
            file: input?.fileID)
        case .noBatches:
          return await giveBack(batch, "its account has no batches: \(error.message)", file: input?.fileID)
        case .rateLimited(let pause):
          if input != nil { await context.learn(.refusedCreate(pause: pause), from: batch) }
        case .accountClosed, .unavailable, .storageFull, .invalidResponse: break
        }
        if context.gates.refusal(gate, now: context.time.monotonic()) != nil { continue }
        switch await wait(after: error, attempt: attempt, batch: batch, provider: provider, &deadline) {
        case .over: attempt += 1
        case .tooLate:
          return await giveBack(batch, "a deadline in it is too near: \(error.message)", file: input?.fileID)
        case .stopped: return .stopped
        }
      }
    }
    return .stopped
  }

  /// What a create begins with: the rows where they travel in it, else nothing until they are uploaded.
  private func input(of batch: BatchRecord, _ lines: BatchLines?, _ provider: any Provider) -> BatchInput? {
    guard provider.capabilities.batchWay == .inline else { return nil }
    return .rows(LedgerRows(ledger: context.ledger, batch: batch, lines: lines, mayContinue: mayCreate))
  }

  private func create(
    _ submission: BatchSubmission, _ input: BatchInput, _ provider: any Provider
  ) async throws(ProviderError) -> BatchSnapshot {
    let timeout = context.configuration.createTimeout
    guard case .rows = input else { return try await provider.create(submission, input: input, timeout: timeout) }
    await uploads.acquire()
    defer { uploads.release() }
    return try await provider.create(submission, input: input, timeout: timeout)
  }

  private func upload(
    _ submission: BatchSubmission, _ batch: BatchRecord, _ lines: BatchLines?, _ provider: any Provider
  ) async throws(ProviderError) -> String {
    await uploads.acquire()
    defer { uploads.release() }
    return try await provider.upload(submission, rows: LedgerRows(ledger: context.ledger, batch: batch, lines: lines))
  }

  private func mark(_ batch: BatchRecord, creating fileID: String?) async -> Bool {
    let marked: Void? = await context.retry("note a batch's create") { () async throws(LedgerError) in
      try await context.ledger.markCreating(batch.id, inputFileID: fileID, at: context.time.now())
    }
    return marked != nil
  }

  /// Whether a create that is written now ends while the batch is still ours.
  @Sendable private func mayCreate() -> Bool {
    context.ledger.leaseLeft().map { $0 > context.configuration.createTimeout } ?? true
  }

  private func unmark(_ batch: BatchRecord) async -> Bool {
    let marked: Void? = await context.retry("note that a create did not happen") { () async throws(LedgerError) in
      try await context.ledger.markPlanned(batch.id)
    }
    return marked != nil
  }

  /// The provider's id is known. Nil when the process is stopping.
  func confirm(_ batch: BatchRecord, _ snapshot: BatchSnapshot) async -> BatchRecord? {
    var batch = batch
    let now = context.time.now()
    let marked: Void? = await context.retry("note a batch's id") { () async throws(LedgerError) in
      try await context.ledger.markSubmitted(batch.id, providerBatchID: snapshot.id, at: now)
    }
    guard marked != nil else { return nil }
    batch.state = .submitted
    batch.providerBatchID = snapshot.id
    batch.submittedAt = now
    context.health.clear(.batch(batch.label))
    context.health.clear(.account(batch.key.provider))
    context.metrics.batch(provider: batch.key.provider, event: "submitted")
    context.logger.info(
      "Batch submitted",
      metadata: ["batch": "\(batch.label)", "provider_batch": "\(snapshot.id)", "rows": "\(batch.rowCount)"])
    return batch
  }

  // MARK: Without success

  /// The provider will not take this submission: its rows try again in another batch until their attempts are used up.
  private func refused(_ batch: BatchRecord, _ message: String, file: String?) async -> Result {
    context.logger.error("\(message)")
    context.metrics.batch(provider: batch.key.provider, event: "refused")
    let now = context.time.now()
    let limit = context.policy.limit(.providerRejected, message)
    let delay = context.policy.delay(attempt: 1, retryAfter: nil, random: context.random())
    let abandoned: Void? = await context.retry("take a batch apart") { () async throws(LedgerError) in
      try await context.ledger.abandon(batch.id, notBefore: now + delay, limit: limit, at: now)
    }
    context.outboxReady.raise()
    if abandoned != nil { files.clean(file, of: batch) }
    return abandoned == nil ? .stopped : .returned
  }

  /// Its rows enter windows again, which decide about size, route and deadlines by what is known now; the attempt does not
  /// count.
  private func giveBack(_ batch: BatchRecord, _ reason: String, file: String? = nil) async -> Result {
    let now = context.time.now()
    let released: Void? = await context.retry("give a batch's rows back") { () async throws(LedgerError) in
      try await context.ledger.abandon(batch.id, notBefore: now, limit: nil, at: now)
    }
    guard released != nil else { return .stopped }
    files.clean(file, of: batch)
    context.metrics.batch(provider: batch.key.provider, event: "returned")
    context.logger.info("Batch is taken apart: \(reason)", metadata: ["batch": "\(batch.label)"])
    return .returned
  }

  private func learn(_ lesson: BatchLesson, from batch: BatchRecord) async { await context.learn(lesson, from: batch) }
}
