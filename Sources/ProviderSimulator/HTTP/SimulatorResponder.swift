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
  let ids = IDSource()
  let counters = Counters()
  let limiter = Locked(RateLimiter())
  let batchCreates = Locked(RateLimiter())
  /// Calls to files and batches so far: what their faults are rolled by.
  let controlCalls = Locked(0)
  let startedAt = WallClock.milliseconds

  func respond(to request: Request, context: SimulatorContext) async throws -> Response {
    let begin = WallClock.monotonicNanoseconds
    let requestID = "req_" + ids.next()
    var response: Response
    do {
      response = try await answer(request, context)
    } catch let error as APIError {
      counters.count("refused." + error.reason)
      response = Reply.error(error)
    } catch let error as SimulatorError {
      counters.count("failed")
      response = Reply.error(
        APIError(status: 500, message: "The simulator failed: \(error)", type: "server_error", reason: "failed"))
    }
    Reply.dress(
      &response, requestID: requestID, milliseconds: (WallClock.monotonicNanoseconds - begin) / 1_000_000)
    return response
  }

  private func answer(_ request: Request, _ context: SimulatorContext) async throws -> Response {
    let target = request.head.path ?? "/"
    let path = String(target.prefix { $0 != "?" })
    let route = try Route(method: request.method.rawValue, path: path)
    guard route.isProviders else { return try await administer(route, request) }
    let caller = try settings.credentials.caller(authorization: request.headers[.authorization])
    switch route {
    case .model(let endpoint): return try await call(endpoint, request, caller, context)
    case .models: return Reply.json(Self.modelList)
    case .modelNamed(let name):
      if name.hasPrefix("missing-") { throw APIError.unknownModel(name) }
      return Reply.json(Self.model(name))
    default: break
    }
    let ordinal = controlCalls.withLock { count in
      count += 1
      return count
    }
    let plan = settings.plan
    if let refusal = plan.control(ordinal) { throw refusal }
    let query = Query(target)
    note(route, request)
    switch route {
    case .uploadFile: return try await upload(request, caller)
    case .listFiles: return try listFiles(query, caller)
    case .file(let id): return try showFile(id, caller)
    case .fileContent(let id): return try download(id, caller, isCut: plan.cutsDownload(ordinal))
    case .deleteFile(let id): return try await deleteFile(id, caller)
    case .createBatch: return try await createBatch(request, caller, context, ordinal: ordinal)
    case .listBatches: return try listBatches(query, caller)
    case .batch(let id): return try showBatch(id, caller)
    case .cancelBatch(let id): return try await cancelBatch(id, caller)
    case .model, .models, .modelNamed, .log, .calls, .stats, .behaviour, .changeBehaviour, .reset, .health:
      throw APIError.notFound("Invalid URL (\(path))", param: nil)
    }
  }

  /// What is uploaded or created gets its line when it has an id.
  private func note(_ route: Route, _ request: Request) {
    let agent = request.headers[.userAgent]
    switch route {
    case .listBatches: calls.note(.list, nil, agent: agent)
    case .batch(let id): calls.note(.retrieve, id, agent: agent)
    case .cancelBatch(let id): calls.note(.cancel, id, agent: agent)
    case .fileContent(let id): calls.note(.fetch, id, agent: agent)
    case .deleteFile(let id): calls.note(.delete, id, agent: agent)
    default: break
    }
  }

  /// The whole body as JSON.
  func json(_ request: Request) async throws -> JSONSlice {
    let buffer: ByteBuffer
    do {
      buffer = try await request.body.collect(upTo: Self.maximumBodyBytes)
    } catch is NIOTooManyBytesError {
      throw APIError(
        status: 413, message: "The body is longer than \(Self.maximumBodyBytes) bytes.", reason: "too_large")
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
