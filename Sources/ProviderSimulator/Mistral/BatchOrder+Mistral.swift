import BatchCore
import Wire

extension BatchOrder {
  private static let hours: ClosedRange<Int64> = 1...167

  /// The checked body of the create of a job.
  init(mistral body: JSONSlice) throws(APIError) {
    guard body.kind == .object else { throw .mistral("", "Input should be a valid dictionary", "model_type") }
    let files = body["input_files"]?.elements.map { $0.string ?? "" } ?? []
    guard files.count == 1, let file = files.first, !file.isEmpty else {
      throw .mistral("input_files", "The simulator takes one file", "value_error")
    }
    let endpoint: Endpoint
    switch body["endpoint"]?.string {
    case "/v1/chat/completions": endpoint = .mistralChat
    case "/v1/embeddings": endpoint = .embeddings
    case nil: throw .mistral("endpoint", "Field required", "missing")
    default:
      throw .mistral("endpoint", "Input should be '/v1/chat/completions' or '/v1/embeddings'", "enum")
    }
    guard let model = body["model"]?.string, !model.isEmpty else {
      throw .mistral("model", "Field required", "missing")
    }
    if model.hasPrefix("missing-") { throw .unknownModel(model) }
    if let time = body["timeout_hours"], !(time.int64.map(Self.hours.contains) ?? false) {
      throw .mistral("timeout_hours", "Input should be less than 168", "less_than")
    }
    let metadata = body["metadata"].flatMap { $0.isNull ? nil : $0 }
    guard metadata?.members.allSatisfy({ $0.value.kind == .string }) ?? true else {
      throw .mistral("metadata", "Input should be a valid string", "string_type")
    }
    self.init(
      inputFileID: file, endpoint: endpoint, path: endpoint.path, metadata: metadata.map { Array($0.raw) },
      model: model)
  }
}
