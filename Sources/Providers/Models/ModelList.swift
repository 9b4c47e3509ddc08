/// Where a provider's models stand in the shipped table.
public enum ModelList {
  /// What stands before their names there; nil where the table does not know the provider.
  ///
  /// - Parameters:
  ///   - kind: As providers are configured: `openai`, `azure`, …
  ///   - endpoint: Its base URL, which tells the vendor of an OpenAI-compatible API.
  public static func prefix(kind: String, endpoint: String) -> String? {
    switch kind {
    case "openai": ""
    case "azure", "anthropic", "gemini", "mistral": kind + "/"
    default: vendors.first { host(of: endpoint).hasSuffix($0.host) }?.prefix
    }
  }

  private static let vendors: [(host: String, prefix: String)] = [
    ("api.openai.com", ""), ("api.mistral.ai", "mistral/"), ("api.groq.com", "groq/"),
    ("api.together.xyz", "together_ai/"), ("api.together.ai", "together_ai/"), ("api.fireworks.ai", "fireworks_ai/"),
    ("api.deepinfra.com", "deepinfra/"), ("api.x.ai", "xai/"), (".aliyuncs.com", "dashscope/"),
    (".openai.azure.com", "azure/"),
  ]

  private static func host(of endpoint: String) -> String {
    guard let scheme = endpoint.firstRange(of: "://") else { return "" }
    return endpoint[scheme.upperBound...].prefix { $0 != "/" && $0 != ":" }.lowercased()
  }
}
