import BatchCore

/// What a method and a path ask for.
enum Route: Hashable, Sendable {
  case model(Endpoint)
  case models
  case modelNamed(String)
  case uploadFile
  case listFiles
  case file(String)
  case fileContent(String)
  case deleteFile(String)
  case createBatch
  case listBatches
  case batch(String)
  case cancelBatch(String)
  case batchResults(String)
  case countTokens
  case createMessageBatch
  case listMessageBatches
  case messageBatch(String)
  case cancelMessageBatch(String)
  case deleteMessageBatch(String)
  case messageResults(String)
  case gemini(GeminiRoute)
  case log
  case calls
  case stats
  case timeline
  case behaviour
  case changeBehaviour
  case reset
  case health

  /// Whether it is among the provider's own, and so needs a key.
  var isProviders: Bool {
    switch self {
    case .log, .calls, .stats, .timeline, .behaviour, .changeBehaviour, .reset, .health: false
    default: true
    }
  }

  init(method: String, path: String) throws(APIError) {
    if let endpoint = Endpoint(path: path) {
      self = try Self.pick(method, path, ["POST": .model(endpoint)])
      return
    }
    let parts = path.split(separator: "/").map(String.init)
    switch (parts.first, parts.dropFirst().first, parts.count) {
    case ("v1", "files", 2): self = try Self.pick(method, path, ["POST": .uploadFile, "GET": .listFiles])
    case ("v1", "files", 3):
      self = try Self.pick(method, path, ["GET": .file(parts[2]), "DELETE": .deleteFile(parts[2])])
    case ("v1", "files", 4) where parts[3] == "content":
      self = try Self.pick(method, path, ["GET": .fileContent(parts[2])])
    case ("v1", "batches", 2): self = try Self.pick(method, path, ["POST": .createBatch, "GET": .listBatches])
    case ("v1", "batches", 3): self = try Self.pick(method, path, ["GET": .batch(parts[2])])
    case ("v1", "batches", 4) where parts[3] == "cancel":
      self = try Self.pick(method, path, ["POST": .cancelBatch(parts[2])])
    case ("v1", "messages", 3...5): self = try Self.messages(method, path, parts)
    case ("v1", "batches", 4) where parts[3] == "results":
      self = try Self.pick(method, path, ["GET": .batchResults(parts[2])])
    case ("v1", "models", 2): self = try Self.pick(method, path, ["GET": .models])
    case ("v1", "models", 3): self = try Self.pick(method, path, ["GET": .modelNamed(parts[2])])
    case ("_sim", "log", 2): self = try Self.pick(method, path, ["GET": .log])
    case ("_sim", "calls", 2): self = try Self.pick(method, path, ["GET": .calls])
    case ("_sim", "stats", 2): self = try Self.pick(method, path, ["GET": .stats])
    case ("_sim", "timeline", 2): self = try Self.pick(method, path, ["GET": .timeline])
    case ("_sim", "faults", 2): self = try Self.pick(method, path, ["GET": .behaviour, "POST": .changeBehaviour])
    case ("_sim", "reset", 2): self = try Self.pick(method, path, ["POST": .reset])
    case ("_sim", "health", 2): self = try Self.pick(method, path, ["GET": .health])
    default: throw .notFound("Invalid URL (\(method) \(path))", param: nil)
    }
  }

  private static func messages(_ method: String, _ path: String, _ parts: [String]) throws(APIError) -> Route {
    switch (parts[2], parts.count, parts.last) {
    case ("count_tokens", 3, _): try pick(method, path, ["POST": .countTokens])
    case ("batches", 3, _): try pick(method, path, ["POST": .createMessageBatch, "GET": .listMessageBatches])
    case ("batches", 4, _):
      try pick(method, path, ["GET": .messageBatch(parts[3]), "DELETE": .deleteMessageBatch(parts[3])])
    case ("batches", 5, "cancel"): try pick(method, path, ["POST": .cancelMessageBatch(parts[3])])
    case ("batches", 5, "results"): try pick(method, path, ["GET": .messageResults(parts[3])])
    default: throw .notFound("Not found: \(method) \(path)", param: nil)
    }
  }

  private static func pick(_ method: String, _ path: String, _ routes: [String: Route]) throws(APIError) -> Route {
    if let route = routes[method] { return route }
    throw APIError(
      status: 405,
      message: "Not allowed to \(method) on \(path); allowed: \(routes.keys.sorted().joined(separator: ", ")).",
      code: "method_not_supported", reason: "method_not_allowed")
  }
}
