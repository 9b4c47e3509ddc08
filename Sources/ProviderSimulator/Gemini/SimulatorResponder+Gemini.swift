import BatchCore
import Hummingbird
import NIOCore
import Threading
import Wire

/// The Gemini API's batches.
extension SimulatorResponder {
  static let geminiModels: [UInt8] = object { writer in
    writer.beginObject()
    writer.key("models")
    writer.beginArray()
    for name in ModelPrice.table.keys.sorted() where name.hasPrefix("gemini") {
      writer.beginObject()
      writer.field("name", "models/" + name)
      writer.endObject()
    }
    writer.endArray()
    writer.endObject()
  }

  func serve(
    _ route: GeminiRoute, _ query: Query, _ request: Request, _ caller: Credentials.Caller, _ plan: FaultPlan,
    _ context: SimulatorContext, ordinal: Int
  ) async throws -> Response {
    switch route {
    case .createBatch(let model):
      return try await createGeminiBatch(model, request, caller, context, ordinal: ordinal)
    case .listBatches: return try listGeminiBatches(query, caller)
    case .batch(let id):
      let (batch, hidesFiles) = try geminiBatch(id, caller)
      return Reply.json(show(batch, hidesFiles: hidesFiles))
    case .cancelBatch(let id): return try await cancelGeminiBatch(id, caller)
    case .deleteBatch(let id): return try await deleteGeminiBatch(id, caller)
    case .beginUpload: return try await beginUpload(request, caller)
    case .uploadChunk(let id): return try await takeChunk(id, request, caller)
    case .listFiles: return try listGeminiFiles(query, caller)
    case .file(let id):
      let file = try geminiFile(id, caller)
      return Reply.json(Self.object { file.writeGemini(into: &$0, now: WallClock.milliseconds) })
    case .fileContent(let id): return try geminiContent(id, caller, isCut: plan.cutsDownload(ordinal))
    case .deleteFile(let id): return try await deleteGeminiFile(id, caller)
    case .generate, .models: throw APIError.notFound("No such call of files or batches.", param: nil)
    }
  }

  private func createGeminiBatch(
    _ model: String, _ request: Request, _ caller: Credentials.Caller, _ context: SimulatorContext, ordinal: Int
  ) async throws -> Response {
    let order = try await json(request)["batch"]
    // Its library sends none where none is given.
    let name = order?["displayName"].flatMap { $0.kind == .string ? Array($0.raw) : nil } ?? Array("\"\"".utf8)
    guard let file = order?["inputConfig"]?["fileName"]?.string, file.hasPrefix("files/") else {
      throw APIError.missing("batch.inputConfig.fileName")
    }
    let plan = settings.plan
    counters.count("creates.arrived")
    if plan.losesCreate(ordinal) {
      counters.count("fault.create_lost")
      throw await hang(context)
    }
    await Hanging.unlessStopped(milliseconds: plan.behaviour.createAcceptMs)
    let batch = try await accept(model, name, String(file.dropFirst("files/".count)), caller)
    calls.note(.create, batch.id, agent: request.headers[.userAgent])
    counters.count("batches.created")
    await Hanging.unlessStopped(milliseconds: plan.behaviour.createAnswerMs)
    try await strikeCreate(plan.create(batch.ordinal), context)
    counters.count("creates.answered")
    return Reply.json(show(batch, hidesFiles: false))
  }

  /// - Parameter name: As a JSON string.
  private func accept(
    _ model: String, _ name: [UInt8], _ fileID: String, _ caller: Credentials.Caller
  ) async throws -> BatchRecord {
    let quota = Quota(behaviour: settings.behaviour, credentials: settings.credentials, paid: paid)
    if quota.refusal(caller) != nil { throw APIError.geminiCredit }
    if model.hasPrefix("missing-") { throw APIError.unknownModel(model) }
    let file = try geminiFile(fileID, caller)
    guard file.isProcessed(at: WallClock.milliseconds) else {
      throw APIError.invalid("The file files/\(fileID) is not in an ACTIVE state.")
    }
    try admitCreate(caller)
    let batch = try await catalog.addBatch { ordinal in
      var batch = BatchRecord(
        id: ids.next(), project: caller.project, key: caller.fingerprint, ordinal: ordinal, endpoint: .generateContent,
        path: Endpoint.generateContent.path, dialect: .gemini, inputFileID: file.id, createdAt: WallClock.seconds,
        metadata: name, outputLifetime: nil)
      batch.model = model
      return batch
    }
    engine.wake()
    return batch
  }

  private func listGeminiBatches(_ query: Query, _ caller: Credentials.Caller) throws -> Response {
    let behaviour = settings.behaviour
    let lag = behaviour.listLagMs
    var (batches, _) = catalog.lookAtBatches(
      project: caller.project, after: nil, limit: .max,
      visibleBefore: lag == 0 ? .max : WallClock.seconds - lag / 1000, isGemini: true)
    if behaviour.geminiOldestFirst { batches.reverse() }
    return try geminiPage(batches, "operations", query) { writer, seen in
      seen.0.writeGemini(into: &writer, behaviour, hidesFiles: seen.hidesFiles)
    }
  }

  /// A page of a list; the token is how many came before. An empty list is left out.
  func geminiPage<Element>(
    _ elements: [Element], _ member: String, _ query: Query, _ write: (inout JSONWriter, Element) -> Void
  ) throws -> Response {
    let size = try query.number("pageSize", 1...1000, default: 50)
    let start = query["pageToken"].flatMap { Int($0) } ?? 0
    let page = elements.dropFirst(max(0, start)).prefix(size)
    return Reply.json(
      Self.object { writer in
        writer.beginObject()
        if !page.isEmpty {
          writer.key(member)
          writer.beginArray()
          for element in page { write(&writer, element) }
          writer.endArray()
        }
        if page.endIndex < elements.endIndex { writer.field("nextPageToken", String(page.endIndex)) }
        writer.endObject()
      })
  }

  private func cancelGeminiBatch(_ id: String, _ caller: Credentials.Caller) async throws -> Response {
    let (before, _) = try geminiBatch(id, caller)
    guard !before.status.isTerminal else {
      throw APIError(status: 400, message: "The batch \(id) has ended already.", reason: "conflict")
    }
    _ = try await catalog.update(id) { batch in
      switch batch.status {
      case .validating, .inProgress, .finalizing: batch.move(to: .cancelling, at: WallClock.seconds)
      case .cancelling, .completed, .failed, .expired, .cancelled: break
      }
    }
    return Reply.json(Array("{}".utf8))
  }

  private func deleteGeminiBatch(_ id: String, _ caller: Credentials.Caller) async throws -> Response {
    let (batch, _) = try geminiBatch(id, caller)
    guard batch.status.isTerminal else {
      throw APIError(status: 400, message: "The batch \(id) has not ended yet.", reason: "conflict")
    }
    try await catalog.deleteBatch(id)
    return Reply.json(Array("{}".utf8))
  }

  private func geminiBatch(
    _ id: String, _ caller: Credentials.Caller
  ) throws(APIError) -> (BatchRecord, hidesFiles: Bool) {
    guard let seen = catalog.look(at: id, project: caller.project), seen.0.isGemini else {
      throw .notFound("Requested entity was not found.")
    }
    return seen
  }

  private func show(_ batch: BatchRecord, hidesFiles: Bool) -> [UInt8] {
    let behaviour = settings.behaviour
    return Self.object { batch.writeGemini(into: &$0, behaviour, hidesFiles: hidesFiles) }
  }
}
