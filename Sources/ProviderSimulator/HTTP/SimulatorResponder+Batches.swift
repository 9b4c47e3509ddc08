import BatchCore
import HTTPTypes
import Hummingbird
import Threading
import Wire

extension SimulatorResponder {
  func createBatch(
    _ request: Request, _ caller: Credentials.Caller, _ context: SimulatorContext, _ dialect: Dialect, ordinal: Int
  ) async throws -> Response {
    if dialect == .noCreate { throw APIError.noCreate }
    let body = try await json(request)
    let order = try dialect == .mistral ? BatchOrder(mistral: body) : BatchOrder(body, dialect)
    let plan = settings.plan
    counters.count("creates.arrived")
    if plan.losesCreate(ordinal) {
      counters.count("fault.create_lost")
      throw await hang(context)
    }
    await Hanging.unlessStopped(milliseconds: plan.behaviour.createAcceptMs)
    let batch = try await accept(order, caller, dialect)
    calls.note(.create, batch.id, agent: request.headers[.userAgent])
    counters.count("batches.created")
    await Hanging.unlessStopped(milliseconds: plan.behaviour.createAnswerMs)
    try await strikeCreate(plan.create(batch.ordinal), context)
    counters.count("creates.answered")
    return Reply.json(
      created(batch, plan.behaviour), status: createdStatus(dialect),
      headers: enqueued(batch, plan.behaviour))
  }

  /// What befalls a create that was accepted.
  func strikeCreate(_ fault: FaultPlan.CreateFault, _ context: SimulatorContext) async throws {
    switch fault {
    case .none: break
    case .timeout:
      counters.count("fault.create_timeout")
      throw await hang(context)
    case .serverError:
      counters.count("fault.create_500_after_accept")
      throw APIError.transient(500)
    case .reset:
      counters.count("fault.create_reset")
      context.cut()
      throw Abandoned()
    }
  }

  /// What Azure says of the tokens that its dated creates have enqueued.
  private func enqueued(_ batch: BatchRecord, _ behaviour: Behaviour) -> HTTPFields {
    var headers = HTTPFields()
    guard batch.dialect == .azureDated, behaviour.enqueuedTokens > 0 else { return headers }
    // An estimate from the size, since nothing has been read yet.
    let bytes = catalog.file(batch.inputFileID, project: batch.project, now: WallClock.seconds)?.bytes ?? 0
    headers[.enqueuedTokens] = String(bytes / 4)
    headers[.maximumEnqueuedTokens] = String(behaviour.enqueuedTokens)
    return headers
  }

  /// Of what was created: a batch, a file.
  func createdStatus(_ dialect: Dialect) -> Int {
    dialect.isAzure && settings.behaviour.azureCreatedStatus ? 201 : 200
  }

  private func accept(
    _ order: BatchOrder, _ caller: Credentials.Caller, _ dialect: Dialect
  ) async throws -> BatchRecord {
    let quota = Quota(behaviour: settings.behaviour, credentials: settings.credentials, paid: paid)
    if let refusal = quota.refusal(caller) { throw refusal }
    guard let file = catalog.file(order.inputFileID, project: caller.project, now: WallClock.seconds) else {
      throw APIError.invalid(
        "Invalid 'input_file_id': no such File object: \(order.inputFileID)", param: "input_file_id")
    }
    guard file.purpose == (dialect == .together ? "batch-api" : "batch") else {
      throw APIError.invalid(
        "Invalid 'input_file_id': the purpose of the file is '\(file.purpose)', not 'batch'.", param: "input_file_id")
    }
    guard file.isProcessed(at: WallClock.milliseconds) else { throw APIError.unprocessedFile(file.id) }
    try admitCreate(caller)
    let batch = try await catalog.addBatch { ordinal in
      var batch = BatchRecord(
        id: dialect == .mistral ? ids.nextUUID() : "batch_" + ids.next(), project: caller.project,
        key: caller.fingerprint, ordinal: ordinal,
        endpoint: order.endpoint, path: order.path, dialect: dialect, inputFileID: file.id,
        createdAt: WallClock.seconds, metadata: order.metadata,
        outputLifetime: order.outputLifetime)
      batch.model = order.model
      return batch
    }
    engine.wake()
    return batch
  }

  func showBatch(_ id: String, _ caller: Credentials.Caller) throws -> Response {
    guard let (batch, hidesFiles) = catalog.look(at: id, project: caller.project) else { throw Self.noBatch(id) }
    return Reply.json(
      Self.object { batch.write(into: &$0, behaviour: settings.behaviour, hidesFiles: hidesFiles) })
  }

  func listBatches(_ query: Query, _ caller: Credentials.Caller, _ dialect: Dialect) throws -> Response {
    let limit = try query.number("limit", 1...100, default: 20)
    let lag = settings.behaviour.listLagMs
    let (page, hasMore) = catalog.lookAtBatches(
      project: caller.project, after: query["after"] ?? query["pagination_token"], limit: limit,
      visibleBefore: lag == 0 ? .max : WallClock.seconds - lag / 1000)
    return Reply.json(list(page, hasMore: hasMore, dialect, settings.behaviour))
  }

  func cancelBatch(_ id: String, _ caller: Credentials.Caller) async throws -> Response {
    guard let (before, _) = catalog.look(at: id, project: caller.project) else { throw Self.noBatch(id) }
    let changed = try await catalog.update(id) { batch in
      switch batch.status {
      case .validating, .inProgress, .finalizing: batch.move(to: .cancelling, at: WallClock.seconds)
      case .cancelling, .completed, .failed, .expired, .cancelled: break
      }
    }
    guard let batch = changed else { throw Self.noBatch(id) }
    guard !before.status.isTerminal else {
      throw APIError(
        status: 409, message: "Cannot cancel a batch with status '\(before.status.rawValue)'.", reason: "conflict")
    }
    return Reply.json(Self.object { batch.write(into: &$0, behaviour: settings.behaviour) })
  }

  /// The limit of batches an hour, all of which may be used at once.
  func admitCreate(_ caller: Credentials.Caller) throws(APIError) {
    var limits = Behaviour()
    // The limiter counts by the minute: an hour's limit is a minute's with a sixtieth of the speed.
    limits.rpm = settings.behaviour.batchCreatesPerHour
    guard limits.rpm > 0 else { return }
    let key = RateLimiter.Key(project: caller.project, model: "batches")
    let decision = batchCreates.withLock { limiter in
      defer { limiter.finish(key) }
      return limiter.admit(
        key, RateLimiter.Demand(inputTokens: 0), behaviour: limits, now: WallClock.monotonicNanoseconds / 60)
    }
    guard case .refused(var error, _) = decision else { return }
    let wait = (error.retryAfterMilliseconds ?? 0) * 60
    error.message =
      "Too many batches: at most \(limits.rpm) may be created an hour. "
      + "Please try again in \(GoDuration.text(milliseconds: wait))."
    error.retryAfterMilliseconds = wait
    error.reason = "rate_limit_batch_creates"
    throw error
  }

  private static func noBatch(_ id: String) -> APIError { .notFound("No batch found with id '\(id)'.") }
}
