public import BatchCore

extension ProviderCapabilities {
  /// OpenAI. Documented are 50,000 rows and 200 MB, and for embeddings 2,048 inputs and 300,000 tokens a call.
  public static let openAI = ProviderCapabilities(
    batchWay: .file, batchSearch: .label, cancellable: true, sendsWebhooks: true, resultLifetime: .seconds(30 * 86_400),
    endpoints: Endpoint.openAI, countsOutputLimit: true, largestBatchRows: 50_000, largestBatchBytes: 200_000_000,
    embeddings: EmbeddingLimits(inputs: 2048, tokens: 300_000, tokensEach: 8192), batchDiscount: 50)

  /// A server that speaks like OpenAI, of which nothing else is known.
  public static let openAICompatible = ProviderCapabilities(
    batchWay: .file, batchSearch: .label, cancellable: true, endpoints: Endpoint.openAI, largestBatchRows: 10_000,
    largestBatchBytes: 90_000_000)
}
