import BatchCore
import Hummingbird
import NIOCore
import Threading
import Wire

extension SimulatorResponder {
  func createMessageBatch(
    _ request: Request, _ caller: Credentials.Caller, _ context: SimulatorContext, ordinal: Int
  ) async throws -> Response {
    let order = try MessageBatchOrder(try await json(request, maximumBytes: MessageBatchOrder.mostBytes))
    let plan = settings.plan
    counters.count("creates.arrived")
    if plan.losesCreate(ordinal) {
      counters.count("fault.create_lost")
      throw await hang(context)
    }
    await Hanging.unlessStopped(milliseconds: plan.behaviour.createAcceptMs)
    let batch = try await accept(order, caller, plan.behaviour)
    calls.note(.create, batch.id, agent: request.headers[.userAgent])
    counters.count("batches.created")
    await Hanging.unlessStopped(milliseconds: plan.behaviour.createAnswerMs)
    try await strikeCreate(plan.create(batch.ordinal), context)
    counters.count("creates.answered")
    return Reply.json(show(batch, hidesResults: false, request))
  }

  private func accept(
    _ order: MessageBatchOrder, _ caller: Credentials.Caller, _ behaviour: Behaviour
  ) async throws -> BatchRecord {
    let quota = Quota(behaviour: behaviour, credentials: settings.credentials, paid: paid)
    // With credit used up the create is taken all the same, and each of its lines says so.
    if !behaviour.quirkCreditInLines, quota.refusal(caller) != nil { throw APIError.anthropicCredit }
    try admitCreate(caller)
    let fileID = "file-" + ids.next()
    let descriptor = try await disk.create(fileID)
    do {
      try await disk.write(order.lines, to: descriptor)
      try await disk.finish(descriptor, as: fileID)
    } catch {
      await disk.abandon(descriptor, fileID)
      throw error
    }
    let now = WallClock.seconds
    try await catalog.add(
      StoredFile(
        id: fileID, project: caller.project, bytes: order.lines.count, createdAt: now, expiresAt: nil,
        filename: "rows.jsonl", purpose: "message_batch"))
    let batch = try await catalog.addBatch { ordinal in
      var batch = BatchRecord(
        id: "msgbatch_" + ids.next(), project: caller.project, key: caller.fingerprint, ordinal: ordinal,
        endpoint: .messages, path: Endpoint.messages.path, dialect: .anthropic, inputFileID: fileID, createdAt: now,
        metadata: nil, outputLifetime: nil)
      batch.total = order.rows
      return batch
    }
    engine.wake()
    return batch
  }

  func showMessageBatch(_ id: String, _ request: Request, _ caller: Credentials.Caller) throws -> Response {
    let (batch, hidesFiles) = try look(id, caller)
    return Reply.json(show(batch, hidesResults: hidesFiles, request))
  }

  func listMessageBatches(_ query: Query, _ request: Request, _ caller: Credentials.Caller) throws -> Response {
    let limit = try query.number("limit", 1...1000, default: 20)
    let lag = settings.behaviour.listLagMs
    let (page, hasMore) = catalog.lookAtBatches(
      project: caller.project, after: query["after_id"], limit: limit,
      visibleBefore: lag == 0 ? .max : WallClock.seconds - lag / 1000, isMessages: true)
    let quirks = settings.behaviour
    let host = request.head.authority ?? "127.0.0.1"
    return Reply.json(
      Self.list(ids: (page.first?.0.id, page.last?.0.id), hasMore: hasMore) { writer in
        for (batch, hidesFiles) in page {
          batch.writeMessageBatch(into: &writer, hidesResults: hidesFiles, quirks: quirks, host: host)
        }
      })
  }

  func cancelMessageBatch(_ id: String, _ request: Request, _ caller: Credentials.Caller) async throws -> Response {
    let (before, _) = try look(id, caller)
    guard !before.status.isTerminal else {
      throw APIError(status: 400, message: "Batch \(id) has already ended.", reason: "conflict")
    }
    let changed = try await catalog.update(id) { batch in
      switch batch.status {
      case .validating, .inProgress, .finalizing: batch.move(to: .cancelling, at: WallClock.seconds)
      case .cancelling, .completed, .failed, .expired, .cancelled: break
      }
    }
    guard let batch = changed else { throw Self.noMessageBatch(id) }
    return Reply.json(show(batch, hidesResults: false, request))
  }

  func deleteMessageBatch(_ id: String, _ caller: Credentials.Caller) async throws -> Response {
    let (batch, _) = try look(id, caller)
    guard batch.status.isTerminal else {
      throw APIError(status: 400, message: "Batch \(id) has not ended yet.", reason: "conflict")
    }
    try await catalog.deleteBatch(id)
    return Reply.json(
      Self.object { writer in
        writer.beginObject()
        writer.field("id", id)
        writer.field("type", "message_batch_deleted")
        writer.endObject()
      })
  }

  /// - Parameter isCut: Whether the connection ends half way.
  func messageResults(_ id: String, _ caller: Credentials.Caller, isCut: Bool) throws -> Response {
    let (batch, hidesFiles) = try look(id, caller)
    guard batch.status.isTerminal, !hidesFiles, let output = batch.outputFileID,
      let file = catalog.file(output, project: caller.project, now: WallClock.seconds)
    else { throw APIError.notFound("Batch \(id) has no available results.") }
    counters.count("files.downloaded")
    return stream(disk.path(of: file.id), bytes: file.bytes, cutAt: isCut ? file.bytes / 2 : nil)
  }

  func countTokens(_ request: Request) async throws -> Response {
    var body = try await json(request)
    if body["max_tokens"] == nil, body.kind == .object {
      // The same body as for a message, without the limit of what comes out.
      let rest = body.raw.dropFirst()
      let comma = rest.first { $0 > 0x20 } == UInt8(ascii: "}") ? "" : ","
      if let full = try? JSONSlice.parse(Array((#"{"max_tokens":1"# + comma).utf8) + rest) { body = full }
    }
    let wanted = try ModelRequest(
      endpoint: .messages, body: body, digests: false, counting: settings.behaviour.tokenCounting)
    return Reply.json(Array(#"{"input_tokens":\#(wanted.inputTokens)}"#.utf8))
  }

  private func look(_ id: String, _ caller: Credentials.Caller) throws(APIError) -> (BatchRecord, hidesFiles: Bool) {
    guard let seen = catalog.look(at: id, project: caller.project), seen.0.isMessages else {
      throw Self.noMessageBatch(id)
    }
    return seen
  }

  private func show(_ batch: BatchRecord, hidesResults: Bool, _ request: Request) -> [UInt8] {
    let quirks = settings.behaviour
    let host = request.head.authority ?? "127.0.0.1"
    return Self.object {
      batch.writeMessageBatch(into: &$0, hidesResults: hidesResults, quirks: quirks, host: host)
    }
  }

  private static func noMessageBatch(_ id: String) -> APIError { .notFound("Message Batch with ID '\(id)' not found.") }
}
