import BatchCore
import HTTPTypes
import Hummingbird
import NIOCore
import Threading
import Wire

/// Answers requests: finds the route, checks the key, and lets the rest of the simulator do the work.
struct SimulatorResponder: HTTPResponder {
  typealias Context = SimulatorContext

  static let maximumBodyBytes = 16 << 20

  let settings: SimulatorSettings
  let catalog: Catalog
  let paid: PaidLog
  let calls: CallLog
  let disk: Disk
  let engine: BatchEngine
  let traffic: Traffic
  let cache: PromptCache
  let ids = IDSource()
  let counters = Counters()
  let uploads = GeminiUploads()
  let limiter = Locked(RateLimiter())
  let batchCreates = Locked(RateLimiter())
  /// Calls to files and batches so far: what their faults are rolled by.
  let controlCalls = Locked(0)
  let startedAt = WallClock.milliseconds

  func respond(to request: Request, context: SimulatorContext) async throws -> Response {
    let begin = WallClock.monotonicNanoseconds
    let requestID = "req_" + ids.next()
    var visit = Visit(arrival: WallClock.microseconds, agent: request.headers[.userAgent])
    visit.dialect = Dialect(request)
    var response: Response
    do {
      response = try await answer(request, context, &visit)
    } catch let error as APIError {
      response = refuse(error, visit, requestID)
    } catch let error as SimulatorError {
      counters.count("failed")
      response = Reply.error(
        APIError(status: 500, message: "The simulator failed: \(error)", type: "server_error", reason: "failed"),
        style: .none, now: 0)
    }
    if visit.levels != RateLimiter.Levels() {
      let style: HeaderStyle =
        switch visit.dialect {
        case .anthropic: .anthropic
        case .mistral: .mistral
        // It says nothing of its limits until they are met.
        case .gemini: .none
        default: settings.behaviour.headerStyle
        }
      LimitHeaders(style: style, now: WallClock.milliseconds)
        .add(visit.levels, to: &response.headers)
    }
    Reply.dress(
      &response, visit.dialect, requestID: requestID,
      milliseconds: (WallClock.monotonicNanoseconds - begin) / 1_000_000)
    return response
  }

  /// Counts a refusal and answers it.
  private func refuse(_ error: APIError, _ visit: Visit, _ requestID: String) -> Response {
    let now = WallClock.microseconds
    var error = error
    let isAnthropic = visit.dialect == .anthropic
    if visit.dialect == .mistral { error = error.asMistral }
    if isAnthropic, error.status == 503, settings.behaviour.quirkOverloaded529 { error.status = 529 }
    let isGemini = visit.dialect == .gemini
    let tellsInBody = isGemini && settings.behaviour.geminiRetryInfo
    let style = isAnthropic ? .seconds : error.retryAfterStyle ?? settings.behaviour.retryAfterStyle
    let until = error.retryAfterMilliseconds.flatMap {
      tellsInBody ? now / 1000 + $0 : style.moment(wait: $0, now: now / 1000)
    }
    if isGemini { error.speakGemini(badKeyIs400: settings.behaviour.geminiBadKey400) }
    counters.count("refused." + error.reason)
    if visit.kind != nil {
      traffic.refuse(visit, error.reason, status: error.status, until: until.map { $0 * 1000 }, now: now)
    }
    let isAzure = visit.dialect.isAzure
    let body: [UInt8]? =
      switch visit.dialect {
      case _ where isAnthropic: error.anthropicBody(requestID: requestID)
      case _ where isAzure: error.azureBody
      case .gemini: error.geminiBody(tellsWait: tellsInBody)
      case .mistral: error.mistralBody(requestID: requestID)
      default: nil
      }
    return Reply.error(error, style: tellsInBody ? .none : style, now: now / 1000, body: body)
  }

  private func answer(
    _ request: Request, _ context: SimulatorContext, _ visit: inout Visit
  ) async throws -> Response {
    let target = request.head.path ?? "/"
    let address = try Address(target: target)
    let method = request.method.rawValue
    let route: Route =
      visit.dialect == .gemini
      ? .gemini(try GeminiRoute(method: method, target: target)) : try Route(method: method, path: address.path)
    guard route.isProviders else { return try await administer(route, request) }
    visit.kind = CallKind(route)
    switch route {
    case .batch(let id), .messageBatch(let id), .gemini(.batch(let id)): visit.batchID = id
    default: break
    }
    let plan = settings.plan
    // Anthropic takes either. An upload that was begun needs no key any more.
    let ownKey = request.headers[.anthropicKey] ?? request.headers[.googleKey] ?? uploads.key(of: route)
    let authorization = ownKey.map { "Bearer " + $0 } ?? request.headers[.authorization]
    let caller = try settings.credentials.caller(
      authorization: authorization, apiKey: request.headers[.apiKey], dialect: visit.dialect,
      behaviour: plan.behaviour, fingerprint: &visit.key)
    if visit.dialect == .anthropic, request.headers[.anthropicVersion] == nil { throw APIError.noVersion }
    switch route {
    case .countTokens: return try await countTokens(request)
    case .model(.chatCompletions) where visit.dialect == .mistral:
      return try await call(.mistralChat, deployment: nil, request, caller, plan, context, &visit)
    case .model(let endpoint):
      return try await call(endpoint, deployment: address.deployment, request, caller, plan, context, &visit)
    case .gemini(.generate(let model)):
      return try await call(.generateContent, deployment: model, request, caller, plan, context, &visit)
    case .gemini(.models): return Reply.json(Self.geminiModels)
    case .models where visit.dialect == .mistral: return Reply.json(Self.mistralModels)
    case .models: return Reply.json(Self.modelList)
    case .modelNamed(let name):
      if name.hasPrefix("missing-") { throw APIError.unknownModel(name) }
      return Reply.json(Self.model(name))
    default: break
    }
    try await strike(visit, plan, context)
    let ordinal = controlCalls.withLock { count in
      count += 1
      return count
    }
    if let refusal = plan.control(ordinal) { throw refusal }
    note(route, request)
    let response = try await serve(
      route, Query(target), request, caller, plan, context, visit.dialect, ordinal: ordinal)
    traffic.accept(visit)
    return response
  }

  /// What befalls a call before it is looked at: outages and refusals by order. Notes whether it comes too early.
  func strike(_ visit: Visit, _ plan: FaultPlan, _ context: SimulatorContext) async throws {
    guard let kind = visit.kind else { return }
    if let early = traffic.early(visit, graceMs: plan.behaviour.earlyGraceMs) {
      counters.count("early")
      calls.note(early, visit)
    }
    if let outage = plan.outages.hitting(kind, model: visit.model, now: WallClock.monotonicNanoseconds) {
      let now = WallClock.microseconds
      traffic.sufferOutage(visit, second: now / 1_000_000)
      if outage.kind == .unavailable {
        throw APIError.outage(retryAfterMilliseconds: outage.retryAfterMilliseconds)
      }
      traffic.refuse(visit, "outage_\(outage.kind.rawValue)", status: nil, now: now)
      if outage.kind == .hang { throw await hang(context) }
      context.cut()
      throw Abandoned()
    }
    if let refusal = settings.takeOrder(kind, model: visit.model) { throw refusal }
  }

  /// Calls to files and batches.
  private func serve(
    _ route: Route, _ query: Query, _ request: Request, _ caller: Credentials.Caller, _ plan: FaultPlan,
    _ context: SimulatorContext, _ dialect: Dialect, ordinal: Int
  ) async throws -> Response {
    switch route {
    case .uploadFile: return try await upload(request, caller, dialect)
    case .listFiles where dialect == .mistral: return try listMistralFiles(query, caller)
    case .listFiles: return try listFiles(query, caller)
    case .file(let id): return try showFile(id, caller, dialect)
    case .fileContent(let id): return try download(id, caller, isCut: plan.cutsDownload(ordinal))
    case .deleteFile(let id): return try await deleteFile(id, caller)
    case .createBatch: return try await createBatch(request, caller, context, dialect, ordinal: ordinal)
    case .listBatches where dialect == .mistral: return try listJobs(query, caller)
    case .listBatches: return try listBatches(query, caller, dialect)
    case .batch(let id): return try showBatch(id, caller)
    case .cancelBatch(let id): return try await cancelBatch(id, caller)
    case .batchResults(let id): return try await batchResults(id, query, caller)
    case .createMessageBatch: return try await createMessageBatch(request, caller, context, ordinal: ordinal)
    case .listMessageBatches: return try listMessageBatches(query, request, caller)
    case .messageBatch(let id): return try showMessageBatch(id, request, caller)
    case .cancelMessageBatch(let id): return try await cancelMessageBatch(id, request, caller)
    case .deleteMessageBatch(let id): return try await deleteMessageBatch(id, caller)
    case .messageResults(let id): return try messageResults(id, caller, isCut: plan.cutsDownload(ordinal))
    case .gemini(let route):
      return try await serve(route, query, request, caller, plan, context, ordinal: ordinal)
    case .countTokens, .model, .models, .modelNamed, .log, .calls, .stats, .timeline, .behaviour, .changeBehaviour,
      .reset, .health:
      throw APIError.notFound("No such call of files or batches.", param: nil)
    }
  }

  /// What is uploaded or created gets its line when it has an id.
  private func note(_ route: Route, _ request: Request) {
    let agent = request.headers[.userAgent]
    switch route {
    case .gemini(let route): if let (kind, id) = route.noted { calls.note(kind, id, agent: agent) }
    case .listBatches, .listMessageBatches: calls.note(.list, nil, agent: agent)
    case .batch(let id), .messageBatch(let id): calls.note(.retrieve, id, agent: agent)
    case .cancelBatch(let id), .cancelMessageBatch(let id): calls.note(.cancel, id, agent: agent)
    case .fileContent(let id), .messageResults(let id), .batchResults(let id): calls.note(.fetch, id, agent: agent)
    case .deleteFile(let id), .deleteMessageBatch(let id): calls.note(.delete, id, agent: agent)
    default: break
    }
  }

  /// The whole body as JSON.
  func json(_ request: Request, maximumBytes: Int = maximumBodyBytes) async throws -> JSONSlice {
    let buffer: ByteBuffer
    do {
      buffer = try await request.body.collect(upTo: maximumBytes)
    } catch is NIOTooManyBytesError {
      throw APIError(
        status: 413, message: "The body is longer than \(maximumBytes) bytes.", reason: "too_large")
    }
    do {
      return try JSONSlice.parse(Array(buffer.readableBytesView))
    } catch {
      throw APIError.invalid("We could not parse the JSON body of your request: \(error).")
    }
  }

  /// Holds a request as long as faults do, or until the simulator stops, and then ends its connection.
  func hang(_ context: SimulatorContext) async -> Abandoned {
    await Hanging.wait(milliseconds: settings.behaviour.hangMs)
    context.cut()
    return Abandoned()
  }

  private static func model(_ name: String) -> [UInt8] {
    var writer = JSONWriter()
    write(model: name, into: &writer)
    return writer.bytes
  }

  private static let modelList: [UInt8] = {
    var writer = JSONWriter(capacity: 2048)
    writer.beginObject()
    writer.field("object", "list")
    writer.key("data")
    writer.beginArray()
    for name in ModelPrice.table.keys.sorted() { write(model: name, into: &writer) }
    writer.endArray()
    writer.endObject()
    return writer.bytes
  }()

  private static func write(model name: String, into writer: inout JSONWriter) {
    writer.beginObject()
    writer.field("id", name)
    writer.field("object", "model")
    writer.field("created", 1_700_000_000)
    writer.field("owned_by", "simulator")
    writer.endObject()
  }
}
