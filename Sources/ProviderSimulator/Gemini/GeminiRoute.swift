/// What a method and a path of the Gemini API ask for.
enum GeminiRoute: Hashable, Sendable {
  case generate(String)
  case createBatch(String)
  case models
  case listBatches
  case batch(String)
  case cancelBatch(String)
  case deleteBatch(String)
  case beginUpload
  /// Of the upload with this id.
  case uploadChunk(String)
  case listFiles
  case file(String)
  case fileContent(String)
  case deleteFile(String)

  static let versions: Set<String> = ["v1", "v1beta"]

  /// - Parameter target: Path and query.
  init(method: String, target: String) throws(APIError) {
    let path = target.prefix { $0 != "?" }
    var parts = path.split(separator: "/").map(String.init)
    let isUpload = parts.first == "upload"
    if isUpload { parts.removeFirst() }
    guard let version = parts.first, Self.versions.contains(version), parts.count > 1 else {
      throw .notFound("Not found: \(method) \(path)", param: nil)
    }
    // What is to be done stands behind a colon.
    let last = parts[parts.count - 1].split(separator: ":", maxSplits: 1).map(String.init)
    let id = parts.count > 2 ? last.first ?? "" : ""
    let verb = last.count == 2 ? last[1] : ""
    switch (method, isUpload, parts[1], parts.count, verb) {
    case ("POST", true, "files", 2, ""):
      self = Query(target)["upload_id"].map { .uploadChunk($0) } ?? .beginUpload
    case ("POST", false, "models", 3, "generateContent"): self = .generate(id)
    case ("POST", false, "models", 3, "batchGenerateContent"): self = .createBatch(id)
    case ("GET", false, "models", 2, ""): self = .models
    case ("GET", false, "batches", 2, ""): self = .listBatches
    case ("GET", false, "batches", 3, ""): self = .batch(id)
    case ("DELETE", false, "batches", 3, ""): self = .deleteBatch(id)
    case ("POST", false, "batches", 3, "cancel"): self = .cancelBatch(id)
    case ("GET", false, "files", 2, ""): self = .listFiles
    case ("GET", false, "files", 3, ""): self = .file(id)
    case ("GET", false, "files", 3, "download"): self = .fileContent(id)
    case ("DELETE", false, "files", 3, ""): self = .deleteFile(id)
    default: throw .notFound("Not found: \(method) \(path)", param: nil)
    }
  }

  /// `nil` for the table of models.
  var kind: CallKind? {
    switch self {
    case .generate: .call
    case .createBatch: .create
    case .models: nil
    case .listBatches, .listFiles: .list
    case .batch: .poll
    case .cancelBatch: .cancel
    case .deleteBatch, .deleteFile: .delete
    case .beginUpload, .uploadChunk: .upload
    case .file, .fileContent: .fetch
    }
  }

  /// What the log of calls says of it; what is uploaded or created gets its line when it has an id.
  var noted: (CallLog.Action, String?)? {
    switch self {
    case .listBatches: (.list, nil)
    case .batch(let id): (.retrieve, id)
    case .cancelBatch(let id): (.cancel, id)
    case .deleteBatch(let id), .deleteFile(let id): (.delete, id)
    case .fileContent(let id): (.fetch, id)
    case .generate, .createBatch, .models, .beginUpload, .uploadChunk, .listFiles, .file: nil
    }
  }
}
