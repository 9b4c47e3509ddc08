import BatchCore
import Hummingbird
import Threading
import Wire

extension SimulatorResponder {
  func createBatch(
    _ request: Request, _ caller: Credentials.Caller, _ context: SimulatorContext, ordinal: Int
  ) async throws -> Response {
    let order = try BatchOrder(try await json(request))
    let plan = settings.plan
    counters.count("creates.arrived")
    if plan.losesCreate(ordinal) {
      counters.count("fault.create_lost")
      throw await hang(context)
    }
    await Hanging.unlessStopped(milliseconds: plan.behaviour.createAcceptMs)
    let batch = try await accept(order, caller)
    calls.note(.create, batch.id, agent: request.headers[.userAgent])
    counters.count("batches.created")
    await Hanging.unlessStopped(milliseconds: plan.behaviour.createAnswerMs)
    switch plan.create(batch.ordinal) {
    case .none:
      counters.count("creates.answered")
      return Reply.json(Self.object { batch.write(into: &$0) })
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

  private func accept(_ order: BatchOrder, _ caller: Credentials.Caller) async throws -> BatchRecord {
    guard caller.hasCredit else { throw APIError.noCredit }
    guard let file = catalog.file(order.inputFileID, project: caller.project, now: WallClock.seconds) else {
      throw APIError.invalid(
        "Invalid 'input_file_id': no such File object: \(order.inputFileID)", param: "input_file_id")
    }
    guard file.purpose == "batch" else {
      throw APIError.invalid(
        "Invalid 'input_file_id': the purpose of the file is '\(file.purpose)', not 'batch'.", param: "input_file_id")
    }
    try admitCreate(caller)
    let batch = try await catalog.addBatch { ordinal in
      BatchRecord(
        id: "batch_" + ids.next(), project: caller.project, key: caller.fingerprint, ordinal: ordinal,
        endpoint: order.endpoint, inputFileID: file.id, createdAt: WallClock.seconds, metadata: order.metadata,
        outputLifetime: order.outputLifetime)
    }
    engine.wake()
    return batch
  }

  func showBatch(_ id: String, _ caller: Credentials.Caller) throws -> Response {
    guard let (batch, hidesFiles) = catalog.look(at: id, project: caller.project) else { throw Self.noBatch(id) }
    return Reply.json(Self.object { batch.write(into: &$0, hidesFiles: hidesFiles) })
  }

  func listBatches(_ query: Query, _ caller: Credentials.Caller) throws -> Response {
    let limit = try query.number("limit", 1...100, default: 20)
    let lag = settings.behaviour.listLagMs
    let (page, hasMore) = catalog.lookAtBatches(
      project: caller.project, after: query["after"], limit: limit,
      visibleBefore: lag == 0 ? .max : WallClock.seconds - lag / 1000)
    return Reply.json(
      Self.list(ids: (page.first?.0.id, page.last?.0.id), hasMore: hasMore) { writer in
        for (batch, hidesFiles) in page { batch.write(into: &writer, hidesFiles: hidesFiles) }
      })
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
    return Reply.json(Self.object { batch.write(into: &$0) })
  }

  /// The limit of batches an hour, all of which may be used at once.
  private func admitCreate(_ caller: Credentials.Caller) throws(APIError) {
    var limits = Behaviour()
    // The limiter counts by the minute: an hour's limit is a minute's with a sixtieth of the speed.
    limits.rpm = settings.behaviour.batchCreatesPerHour
    guard limits.rpm > 0 else { return }
    let key = RateLimiter.Key(project: caller.project, model: "batches")
    let decision = batchCreates.withLock { limiter in
      defer { limiter.finish(key) }
      return limiter.admit(key, tokens: 0, behaviour: limits, now: WallClock.monotonicNanoseconds / 60)
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
