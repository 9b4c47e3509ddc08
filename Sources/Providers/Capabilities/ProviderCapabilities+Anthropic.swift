public import BatchCore

extension ProviderCapabilities {
  /// Anthropic. Documented are 100,000 rows and 256 MB; results are kept for 29 days.
  public static let anthropic = ProviderCapabilities(
    batchWay: .inline, batchSearch: .customIDs, cancellable: true, showsProgress: false,
    resultLifetime: .seconds(29 * 86_400), endpoints: [.messages, .chatCompletions],
    translatedEndpoints: [.chatCompletions],
    largestBatchRows: 90_000,
    largestBatchBytes: 230_000_000, batchDiscount: 50)
}
