import BatchCore

extension OpenAIDialect {
  /// Servers that speak like OpenAI and are known to differ, each a row. What they give in other words, such as statuses in
  /// capitals, is read by the parsers alike and stands in no row.
  public static let deviations: [OpenAIDialect] = [
    row("groq", ["api.groq.com"], batches(rows: 45_000, megabytes: 90, [.chatCompletions], discount: 50)),
    row("together", ["api.together.xyz", "api.together.ai"], batches(rows: 45_000, megabytes: 90, [.chatCompletions])) {
      $0.purpose = "batch-api"
      $0.keepsMetadata = false
      $0.processing = Processing(
        member: "processing_status", ready: ["completed"], failed: ["invalid_format", "failed"], limit: .seconds(900))
    },
    // Its metadata comes back with more in it, and a batch may say `failed` when every row did: both change nothing here.
    row("doubleword", ["api.doubleword.ai"], batches(rows: 45_000, megabytes: 90)),
    row("xai", ["api.x.ai"], batches(rows: 10_000, megabytes: 90, [.chatCompletions], discount: 20)) {
      $0.keepsMetadata = false
      $0.keepsLabels = true
      $0.reasoningIsExtra = true
      $0.shape = XAIShape()
    },
    // Its batches carry rows and results within the batch itself, which is not supported.
    row("openrouter", ["openrouter.ai"], ProviderCapabilities.openAICompatible.withoutBatches),
    row(
      "dashscope", ["dashscope.aliyuncs.com", "dashscope-intl.aliyuncs.com"],
      batches(rows: 45_000, megabytes: 90, [.chatCompletions, .embeddings], discount: 50)),
    row("siliconflow", ["api.siliconflow.cn", "api.siliconflow.com"], batches(rows: 5000, megabytes: 900)) {
      $0.resultsMayBeURLs = true
    },
    row("novita", ["api.novita.ai"], batches(rows: 10_000, megabytes: 90)),
    row("litellm", [], batches(rows: 10_000, megabytes: 90)) { $0.uploadModelField = "target_model_names" },
    // It has no batches over HTTP.
    row("vllm", [], ProviderCapabilities.openAICompatible.withoutBatches),
  ]

  /// The row of that name; `none` is a server without known deviations.
  public static func named(_ name: String) -> OpenAIDialect? {
    name == openAICompatible.name ? openAICompatible : deviations.first { $0.name == name }
  }

  /// The row of the server at a URL, by its host.
  public static func at(_ url: String) -> OpenAIDialect {
    let rest = url.firstRange(of: "://").map { url[$0.upperBound...] } ?? url[...]
    let host = rest.prefix { !"/:?#".contains($0) }.lowercased()
    return deviations.first { row in row.hosts.contains { host == $0 || host.hasSuffix("." + $0) } }
      ?? openAICompatible
  }

  private static func row(
    _ name: String, _ hosts: [String], _ capabilities: ProviderCapabilities, _ change: (inout Self) -> Void = { _ in }
  ) -> OpenAIDialect {
    var dialect = OpenAIDialect(name, capabilities)
    dialect.hosts = hosts
    change(&dialect)
    return dialect
  }

  private static func batches(
    rows: Int, megabytes: Int64, _ endpoints: Set<Endpoint>? = nil, discount: Int? = nil
  ) -> ProviderCapabilities {
    var capabilities = ProviderCapabilities.openAICompatible
    capabilities.largestBatchRows = rows
    capabilities.largestBatchBytes = megabytes * 1_000_000
    if let endpoints { capabilities.batchEndpoints = endpoints }
    capabilities.batchDiscount = discount
    return capabilities
  }
}
