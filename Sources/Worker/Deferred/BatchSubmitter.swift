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
  /// Two uploads saturate a link; more only take memory.
  private let uploads = Permits(2)

  init(context: WorkerContext) {
    self.context = context
  }

  private func submission(_ batch: BatchRecord, _ provider: any Provider) -> BatchSubmission {
    BatchSubmission(
      label: batch.label, endpoint: batch.key.endpoint, model: batch.key.model, rowCount: batch.rowCount,
      inputBytes: provider.inputSize(
        of: batch.rowCount, customIDBytes: batch.customIDBytes, bodyBytes: batch.bodyBytes,
        modelRangeBytes: batch.modelRangeBytes, model: batch.key.model, endpoint: batch.key.endpoint))
  }

  /// Submits a planned batch.
  func submit(_ batch: BatchRecord, to provider: any Provider) async -> Result {
    var batch = batch
    let submission = submission(batch, provider)
    var attempt = 1
    var fileID: String?
    while !Task.isCancelled {
      do throws(ProviderError) {
        if fileID == nil {
          fileID = try await upload(submission, batch, provider)
        }
        guard let fileID else { return .stopped }
        batch.inputFileID = fileID
        guard await mark(batch, creating: fileID) else { return .stopped }
        guard mayCreate() else {
          // Nothing was written, so nothing is unknown.
          guard await unmark(batch) else { return .stopped }
          throw ProviderError(
            .unavailable(retryAfter: nil), isAmbiguous: false, message: "the lease is too short for a create")
        }
        let snapshot = try await provider.create(
          submission, fileID: fileID, timeout: context.configuration.createTimeout)
        return await confirm(batch, snapshot).map { .submitted($0) } ?? .stopped
      } catch {
        if error.isAmbiguous, fileID != nil {
          batch.state = .creating
          return .unknown(batch)
        }
        switch error.reason {
        case .cancelled: return .stopped
        case .notFound:
          // The input file is gone: a new one is uploaded.
          fileID = nil
        case .rejected(let status):
          return await refused(
            batch, "the provider \(provider.name) refused batch \(batch.label) with \(status): \(error.message)")
        case .rateLimited, .accountClosed, .unavailable, .invalidResponse: break
        }
        guard await wait(after: error, attempt: attempt, batch: batch, provider: provider) else { return .stopped }
        attempt += 1
      }
    }
    return .stopped
  }

  private func upload(
    _ submission: BatchSubmission, _ batch: BatchRecord, _ provider: any Provider
  ) async throws(ProviderError) -> String {
    await uploads.acquire()
    defer { uploads.release() }
    return try await provider.upload(submission, rows: LedgerRowSource(ledger: context.ledger, batch: batch))
  }

  private func mark(_ batch: BatchRecord, creating fileID: String) async -> Bool {
    let marked: Void? = await context.retry("note a batch's create") { () async throws(LedgerError) in
      try await context.ledger.markCreating(batch.id, inputFileID: fileID, at: context.time.now())
    }
    return marked != nil
  }

  /// Whether a create that is written now ends while the batch is still ours.
  private func mayCreate() -> Bool { true }

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

  /// The provider will not take this submission: its rows try again in another batch until their attempts are used up.
  private func refused(_ batch: BatchRecord, _ message: String) async -> Result {
    context.logger.error("\(message)")
    context.metrics.batch(provider: batch.key.provider, event: "refused")
    let now = context.time.now()
    let limit = context.policy.limit(.providerRejected, message)
    let delay = context.policy.delay(attempt: 1, retryAfter: nil, random: context.random())
    let abandoned: Void? = await context.retry("take a batch apart") { () async throws(LedgerError) in
      try await context.ledger.abandon(batch.id, notBefore: now + delay, limit: limit, at: now)
    }
    context.outboxReady.raise()
    return abandoned == nil ? .stopped : .returned
  }

  /// Waits before the next try. What keeps failing shows on the health board.
  private func wait(after error: ProviderError, attempt: Int, batch: BatchRecord, provider: any Provider) async -> Bool
  {
    if attempt >= 3 { context.health.report(.account(provider.name), "\(provider.name): \(error.message)") }
    context.logger.warning(
      "Batch submission waits",
      metadata: ["batch": "\(batch.label)", "attempt": "\(attempt)", "error": "\(error.message)"])
    return (try? await context.time.sleep(for: delay(after: error, attempt: attempt))) != nil
  }

  func delay(after error: ProviderError, attempt: Int) -> Duration {
    var retryAfter: Duration?
    switch error.reason {
    case .rateLimited(let after), .unavailable(let after): retryAfter = after
    case .accountClosed: retryAfter = .seconds(30)
    case .rejected, .notFound, .invalidResponse, .cancelled: break
    }
    return context.policy.delay(attempt: min(attempt, 6), retryAfter: retryAfter, random: context.random())
  }
}
