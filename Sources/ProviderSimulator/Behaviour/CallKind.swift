/// What a call to the provider does; waits, outages and refusals by order are told apart by it.
enum CallKind: String, CaseIterable, Sendable {
  /// A synchronous call of a model.
  case call
  case upload
  case create
  /// A look at one batch.
  case poll
  /// The content or the description of a file.
  case fetch
  /// A page of files or of batches.
  case list
  case delete
  case cancel

  /// `nil` for what is under `/_sim`, and for the table of models.
  init?(_ route: Route) {
    switch route {
    case .model, .countTokens: self = .call
    case .uploadFile: self = .upload
    case .createBatch, .createMessageBatch: self = .create
    case .batch, .messageBatch: self = .poll
    case .file, .fileContent, .messageResults, .batchResults: self = .fetch
    case .listFiles, .listBatches, .listMessageBatches: self = .list
    case .deleteFile, .deleteMessageBatch: self = .delete
    case .cancelBatch, .cancelMessageBatch: self = .cancel
    case .gemini(let route):
      guard let kind = route.kind else { return nil }
      self = kind
    case .models, .modelNamed, .log, .calls, .stats, .timeline, .behaviour, .changeBehaviour, .reset, .health:
      return nil
    }
  }
}
