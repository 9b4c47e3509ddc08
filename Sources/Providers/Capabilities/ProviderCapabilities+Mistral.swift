public import BatchCore

extension ProviderCapabilities {
  /// Mistral. Documented are files of 512 MB and a million pending requests of a workspace over all jobs; results do not
  /// expire.
  public static let mistral = ProviderCapabilities(
    batchWay: .file, batchSearch: .label, cancellable: true, endpoints: [.mistralChat, .chatCompletions, .embeddings],
    translatedEndpoints: [.chatCompletions], largestBatchRows: 100_000, largestBatchBytes: 450_000_000,
    batchDiscount: 50)
}
