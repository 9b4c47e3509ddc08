public import BatchCore
import Wire

extension ProviderCapabilities {
  /// Azure OpenAI. Documented are 100,000 rows and 200 MB; its batches run on past their window until they are cancelled.
  public static let azure = ProviderCapabilities(
    batchWay: .file, batchSearch: .label, cancellable: true, resultLifetime: .seconds(14 * 86_400),
    endpoints: Endpoint.openAI, batchEndpoints: [.chatCompletions, .responses], countsOutputLimit: true,
    largestBatchRows: 90_000, largestBatchBytes: 180_000_000, batchDiscount: 50)
}

extension OpenAIDialect {
  /// Azure OpenAI.
  /// - Parameters:
  ///   - apiVersion: Of the dated paths; nil for `/openai/v1`.
  ///   - batchDeployments: By the deployment of calls, where batches have one of their own.
  public static func azure(apiVersion: String?, batchDeployments: [String: String]) -> OpenAIDialect {
    var dialect = OpenAIDialect("azure", .azure)
    dialect.keyHeader = "api-key"
    dialect.apiVersion = apiVersion
    dialect.batchPathPrefix = apiVersion == nil ? "/v1" : ""
    // 500 files are kept that do not expire, but 10,000 that do; two weeks are the least.
    dialect.uploadFields = [("expires_after.anchor", "created_at"), ("expires_after.seconds", "1209600")]
    dialect.processing = Processing(
      member: "status", ready: ["processed"], failed: ["error", "failed", "deleting", "deleted"], limit: .seconds(600))
    dialect.batchModels = batchDeployments
    dialect.keepsLabels = true
    dialect.shape = AzureShape()
    return dialect
  }

  /// The base URL below which the dialect's paths are, from a resource's address with or without `/openai` and `/v1`.
  public static func azureBase(endpoint: String, apiVersion: String?) -> String {
    var base = endpoint
    for suffix in ["/", "/v1", "/", "/openai", "/"] where base.hasSuffix(suffix) { base.removeLast(suffix.count) }
    return base + (apiVersion == nil ? "/openai/v1" : "/openai")
  }
}

/// Azure's batches: those of a deployment that is not for batches fail with a code that seems to blame their rows.
struct AzureShape: BatchShape {
  func snapshot(_ body: JSONSlice) -> BatchSnapshot? {
    guard var snapshot = SnapshotParser.snapshot(body) else { return nil }
    for index in snapshot.problems.indices
    where snapshot.problems[index].line == nil && snapshot.problems[index].code.lowercased() == "invalid_request" {
      snapshot.problems[index].code = AccountFault.unusableDeployment
    }
    return snapshot
  }
}
