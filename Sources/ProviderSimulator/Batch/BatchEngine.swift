import Glibc
import Logging
import ServiceLifecycle
import Threading

/// Takes batches through their life: validates them, runs their rows, writes their files. On a thread of its own, since
/// it reads and writes files and computes.
actor BatchEngine: Service {
  private let thread: EventThread
  private let catalog: Catalog
  private let paid: PaidLog
  private let disk: Disk
  private let settings: SimulatorSettings
  private let traffic: Traffic
  private let cache: PromptCache
  private let logger: Logger
  private let wakes: AsyncStream<Void>
  private let wakeUp: AsyncStream<Void>.Continuation

  nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

  init(
    catalog: Catalog, paid: PaidLog, disk: Disk, settings: SimulatorSettings, traffic: Traffic, cache: PromptCache,
    logger: Logger
  ) {
    thread = EventThread(name: "sim-batches")
    self.catalog = catalog
    self.paid = paid
    self.disk = disk
    self.settings = settings
    self.traffic = traffic
    self.cache = cache
    self.logger = logger
    (wakes, wakeUp) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    wakeUp.yield()
  }

  /// Tells that there are batches to start.
  nonisolated func wake() { wakeUp.yield() }

  nonisolated func run() async {
    await withDiscardingTaskGroup { group in
      for await _ in wakes.cancelOnGracefulShutdown() {
        for id in catalog.takeUnstarted() { group.addTask { await self.process(id) } }
      }
      group.cancelAll()
    }
  }

  /// Forgets all files, batches and payments. No row is run or paid for in between.
  func reset() async throws(SimulatorError) {
    try await catalog.reset()
    try await paid.reset()
    cache.forget()
    await disk.removeAll()
  }

  /// Ends the thread; only after ``run()`` has returned.
  nonisolated func stop() async { await thread.stop() }

  private func process(_ id: String) async {
    do {
      try await live(id)
      if let input = catalog.batch(id)?.inputFileID, catalog.isUnused(input) { await disk.remove(input) }
    } catch is CancellationError {
      // The next start goes on from the journal.
    } catch {
      logger.error("batch failed inside the simulator", metadata: ["batch": "\(id)", "error": "\(error)"])
      let problem = BatchRecord.Problem(code: "server_error", message: "The simulator failed: \(error)")
      _ = try? await catalog.update(id) { batch in
        batch.problems = [problem]
        batch.move(to: .failed, at: WallClock.seconds)
      }
    }
  }

  private func live(_ id: String) async throws {
    let behaviour = settings.behaviour
    if catalog.batch(id)?.status == .validating { try await pause(behaviour.batchValidateMs, unlessCancelled: id) }
    guard let batch = catalog.batch(id) else { return }
    guard let input = try await scan(batch, behaviour) else { return }
    let isNew = batch.status == .validating
    guard let batch = try await start(id, input, behaviour) else { return }
    let duration =
      behaviour.batchMinMs + behaviour.batchPerRowUs * input.rows.count / 1000 + input.slowMilliseconds
      + settings.plan.tail(batch.ordinal)
    var run = BatchRun(
      batch: batch, hasCredit: hasCredit(batch, behaviour), input: input, plan: settings.plan,
      executed: paid.executed[id] ?? [:],
      output: try BatchOutput(directory: disk.directory, batchID: id), cache: cache,
      takesTime: duration > 0)
    // The record has whole seconds: good enough after a restart only.
    let begin = isNew ? WallClock.milliseconds : (batch.inProgressAt ?? batch.createdAt) * 1000
    while !run.isAtEnd {
      guard let now = catalog.batch(id) else { return run.output.abandon() }
      if now.status == .cancelling { run.cancel() }
      let slice = try run.next(from: disk.path(of: batch.inputFileID), time: WallClock.milliseconds) {
        paid.nextAttempt($0)
      }
      // First the payment, then the line: a row without a line is given one after a restart, an unpaid line never.
      try await paid.append(slice.paid)
      guard catalog.batch(id) != nil else { return run.output.abandon() }
      try run.output.append(output: slice.output, errors: slice.errors)
      let counted = catalog.progress(id) { run.count(into: &$0) }
      if counted?.status == .inProgress {
        let due = begin + duration * run.position / max(1, input.rows.count)
        try await pause(due - WallClock.milliseconds, unlessCancelled: id)
      }
    }
    try await end(id, run, behaviour)
  }

  /// Whether rows are run at all: where a batch is taken without credit, each of them is refused.
  private func hasCredit(_ batch: BatchRecord, _ behaviour: Behaviour) -> Bool {
    guard batch.isMessages else { return true }
    let caller = Credentials.Caller(fingerprint: batch.key, project: batch.project, hasCredit: true)
    return !Quota(behaviour: behaviour, credentials: settings.credentials, paid: paid).isUsedUp(caller)
  }

  /// Reads the input file through. Returns `nil` if the batch has ended by it.
  private func scan(_ batch: BatchRecord, _ behaviour: Behaviour) async throws -> BatchInput? {
    let exists = catalog.file(batch.inputFileID, project: batch.project, now: WallClock.seconds) != nil
    guard exists || batch.status != .validating else {
      let problem = BatchRecord.Problem(
        code: "invalid_file", message: "The input file \(batch.inputFileID) does not exist any more.",
        param: "input_file_id")
      try await fail(batch.id, [problem])
      return nil
    }
    var input = BatchInput(
      endpoint: batch.endpoint, path: batch.path,
      maximumRows: batch.isMessages
        ? MessageBatchOrder.mostRows
        : batch.dialect.isAzure ? behaviour.azureMaxBatchRequests : behaviour.maxBatchRequests,
      model: batch.isGemini ? batch.model : nil,
      job: batch.isMistral
        ? BatchInput.Job(model: batch.model ?? "", refusesModels: behaviour.mistralModelInJobOnly) : nil,
      counting: behaviour.tokenCounting)
    var lines = try LineReader(path: disk.path(of: batch.inputFileID))
    while input.wantsMore, let group = try lines.next() {
      for line in group { input.add(line) }
      // Others have their turn on this thread.
      await Task.yield()
    }
    input.finish()
    if batch.dialect.isAzure, behaviour.azureBatchDeployments, let model = input.model,
      !AzureDeployment.isForBatches(model)
    {
      try await fail(batch.id, [.noBatchDeployment(model)])
      return nil
    }
    if !input.problems.isEmpty {
      try await fail(batch.id, input.problems)
      return nil
    }
    return input
  }

  /// Moves a validated batch on. Returns `nil` if it has ended instead.
  private func start(_ id: String, _ input: BatchInput, _ behaviour: Behaviour) async throws -> BatchRecord? {
    guard let batch = catalog.batch(id) else { return nil }
    let model = input.model ?? ""
    if batch.status == .validating {
      let caller = Credentials.Caller(fingerprint: batch.key, project: batch.project, hasCredit: true)
      let quota = Quota(behaviour: behaviour, credentials: settings.credentials, paid: paid)
      if !batch.isMessages, quota.isUsedUp(caller) {
        traffic.refuseBatch(key: batch.key, model: model, QuotaCode.billingHardLimitReached.rawValue)
        try await fail(id, [.billingHardLimit])
        return nil
      }
      let cap = batch.isMessages ? 0 : behaviour.enqueuedTokens
      guard catalog.reserve(tokens: input.inputTokens, cap: cap, model: model, for: id) else {
        traffic.refuseBatch(key: batch.key, model: model, "enqueued_tokens")
        try await fail(
          id, [batch.dialect.isAzure ? .azureTokenLimit(limit: cap) : .tooManyTokens(model: model, limit: cap)])
        return nil
      }
    }
    let expiresAfter = expiry(of: batch, input)
    return try await catalog.update(id) { batch in
      batch.model = model
      batch.total = input.rows.count
      (batch.completed, batch.failed, batch.inputTokens, batch.outputTokens) = (0, 0, 0, 0)
      guard batch.status == .validating else { return }
      batch.expiresAfterRows = expiresAfter
      batch.move(to: .inProgress, at: WallClock.seconds)
    }
  }

  private func expiry(of batch: BatchRecord, _ input: BatchInput) -> Int? {
    guard batch.status == .validating else { return batch.expiresAfterRows }
    // The attempt counts, so that the marker lets a later batch with this prompt through.
    let marked = input.expiring.filter { paid.attempts($0.promptHash) < $0.times }
    if !marked.isEmpty {
      for prompt in marked { _ = paid.nextAttempt(prompt.promptHash) }
      return input.rows.count / 2
    }
    // Azure's batches run on until they are cancelled.
    return batch.dialect.isAzure ? nil : settings.plan.expiry(batch.ordinal, rows: input.rows.count)
  }

  private func end(_ id: String, _ run: BatchRun, _ behaviour: Behaviour) async throws {
    let now = catalog.batch(id)?.status
    if now == .cancelling {
      try await Task.sleep(for: .milliseconds(behaviour.batchCancelMs))
    } else if run.ending == .completed {
      _ = try await catalog.update(id) {
        if $0.status == .inProgress { $0.move(to: .finalizing, at: WallClock.seconds) }
      }
      try await Task.sleep(for: .milliseconds(behaviour.batchFinalizeMs))
    }
    guard catalog.batch(id) != nil else { return run.output.abandon() }
    let keepsEmptyErrors = run.batch.dialect.isAzure && behaviour.azureEmptyErrorFile
    try run.output.finish(keepsEmptyErrors: keepsEmptyErrors)
    let isLate =
      settings.plan.hidesOutput(run.batch.ordinal) || (run.batch.isGemini && behaviour.geminiLateFile)
    let hiddenLooks = isLate && run.ending == .completed ? behaviour.nullOutputLooks : 0
    let files = run.files(at: WallClock.seconds, keepsEmptyErrors: keepsEmptyErrors)
    _ = try await catalog.update(id, files: files) { batch in
      run.count(into: &batch)
      if run.output.outputBytes > 0 { batch.outputFileID = run.output.outputID }
      if run.output.errorBytes > 0 || keepsEmptyErrors { batch.errorFileID = run.output.errorID }
      batch.hiddenLooks = hiddenLooks
      // Cancelled after its last row: the provider then says cancelled all the same.
      batch.move(to: batch.status == .cancelling ? .cancelled : run.ending, at: WallClock.seconds)
    }
  }

  private func fail(_ id: String, _ problems: [BatchRecord.Problem]) async throws {
    _ = try await catalog.update(id) { batch in
      let isCancelling = batch.status == .cancelling
      if !isCancelling { batch.problems = problems }
      batch.move(to: isCancelling ? .cancelled : .failed, at: WallClock.seconds)
    }
  }

  /// Waits, but looks every 50 ms whether the batch has been cancelled or forgotten meanwhile.
  private func pause(_ milliseconds: Int, unlessCancelled id: String) async throws {
    try Task.checkCancellation()
    var rest = milliseconds
    while rest > 0, let status = catalog.batch(id)?.status, status != .cancelling {
      try await Task.sleep(for: .milliseconds(min(rest, 50)))
      rest -= 50
    }
  }
}
