public import BatchCore

extension ProviderCapabilities {
  /// The Gemini API. Documented are 2 GB and no number of rows; files are kept for two days. Whether a cancelled batch gives
  /// the results that it has is not documented.
  public static let gemini = ProviderCapabilities(
    batchWay: .file, batchSearch: .label, cancellable: true, keepsResultsOfCancelled: false, showsProgress: false,
    sendsWebhooks: true, resultLifetime: .seconds(2 * 86_400), endpoints: [.generateContent, .chatCompletions],
    translatedEndpoints: [.chatCompletions], largestBatchRows: 45_000, largestBatchBytes: 1_800_000_000,
    batchDiscount: 50)
}
