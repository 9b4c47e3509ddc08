import BatchCore
import Ledger
import Logging

/// The second and third step of a submission: upload and create, then confirm. The first, the intent, is committed.
struct BatchSubmitter: Sendable {
  enum Result: Sendable {
    case submitted(BatchRecord)
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

  func submit(_ batch: BatchRecord, to provider: any Provider) async -> Result {
    switch batch.state {
    case .submitted: return .submitted(batch)
    case .settled, .abandoned: return .returned
    case .creating: return await reconcile(batch, at: provider)
    case .planned: return await create(batch, at: provider)
    }
  }

  private func submission(_ batch: BatchRecord, _ provider: any Provider) -> BatchSubmission {
    BatchSubmission(
      label: batch.label, endpoint: batch.key.endpoint, model: batch.key.model, rowCount: batch.rowCount,
      inputBytes: provider.inputSize(
        of: batch.rowCount, customIDBytes: batch.customIDBytes, bodyBytes: batch.bodyBytes,
        modelRangeBytes: batch.modelRangeBytes, model: batch.key.model, endpoint: batch.key.endpoint))
  }

  private func create(_ batch: BatchRecord, at provider: any Provider) async -> Result {
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
        let snapshot = try await provider.create(submission, fileID: fileID)
        return await confirm(batch, snapshot)
      } catch {
        if error.isAmbiguous, fileID != nil {
          batch.state = .creating
          context.metrics.batch(provider: provider.name, event: "unknown")
          return await reconcile(batch, at: provider)
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

  private func confirm(_ batch: BatchRecord, _ snapshot: BatchSnapshot) async -> Result {
    var batch = batch
    let now = context.time.now()
    let marked: Void? = await context.retry("note a batch's id") { () async throws(LedgerError) in
      try await context.ledger.markSubmitted(batch.id, providerBatchID: snapshot.id, at: now)
    }
    guard marked != nil else { return .stopped }
    batch.state = .submitted
    batch.providerBatchID = snapshot.id
    batch.submittedAt = now
    context.health.clear(.batch(batch.label))
    context.health.clear(.account(batch.key.provider))
    context.metrics.batch(provider: batch.key.provider, event: "submitted")
    context.logger.info(
      "Batch submitted",
      metadata: ["batch": "\(batch.label)", "provider_batch": "\(snapshot.id)", "rows": "\(batch.rowCount)"])
    return .submitted(batch)
  }

  /// The create may have happened. The provider is searched for the label; only when it is certain that nothing is there,
  /// and the input file is gone so that nothing can come late, is the batch submitted again.
  private func reconcile(_ batch: BatchRecord, at provider: any Provider) async -> Result {
    context.logger.warning(
      "Batch create is unconfirmed; searching the provider", metadata: ["batch": "\(batch.label)"])
    guard provider.capabilities.searchable else {
      context.health.report(
        .batch(batch.label),
        "batch \(batch.label): its create was not confirmed and \(provider.name) cannot be searched; it waits for an operator"
      )
      return .stopped
    }
    var fenced = false
    var attempt = 1
    while !Task.isCancelled {
      do throws(ProviderError) {
        if let found = try await provider.findBatches(label: batch.label, createdAfter: batch.createdAt).first {
          context.metrics.batch(provider: provider.name, event: "adopted")
          return await confirm(batch, found)
        }
        if fenced { return await resubmit(batch, provider) }
        guard (try? await context.time.sleep(for: context.configuration.reconcileGrace)) != nil else { return .stopped }
        if let found = try await provider.findBatches(label: batch.label, createdAfter: batch.createdAt).first {
          context.metrics.batch(provider: provider.name, event: "adopted")
          return await confirm(batch, found)
        }
        if let fileID = batch.inputFileID {
          do throws(ProviderError) {
            try await provider.deleteFile(fileID)
          } catch {
            if error.reason != .notFound { throw error }
          }
        }
        fenced = true
      } catch {
        if error.reason == .cancelled { return .stopped }
        guard await wait(after: error, attempt: attempt, batch: batch, provider: provider) else { return .stopped }
        attempt += 1
      }
    }
    return .stopped
  }

  private func resubmit(_ batch: BatchRecord, _ provider: any Provider) async -> Result {
    let marked: Void? = await context.retry("note that a create did not happen") { () async throws(LedgerError) in
      try await context.ledger.markPlanned(batch.id)
    }
    guard marked != nil else { return .stopped }
    var batch = batch
    batch.state = .planned
    batch.inputFileID = nil
    return await create(batch, at: provider)
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
    var retryAfter: Duration?
    switch error.reason {
    case .rateLimited(let after), .unavailable(let after): retryAfter = after
    case .accountClosed: retryAfter = .seconds(30)
    case .rejected, .notFound, .invalidResponse, .cancelled: break
    }
    if attempt >= 3 { context.health.report(.account(provider.name), "\(provider.name): \(error.message)") }
    context.logger.warning(
      "Batch submission waits",
      metadata: ["batch": "\(batch.label)", "attempt": "\(attempt)", "error": "\(error.message)"])
    let delay = context.policy.delay(attempt: min(attempt, 6), retryAfter: retryAfter, random: context.random())
    return (try? await context.time.sleep(for: delay)) != nil
  }
}
