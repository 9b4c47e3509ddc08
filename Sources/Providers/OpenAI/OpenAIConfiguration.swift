/// An account at OpenAI or at a server that speaks like it.
public struct OpenAIConfiguration: Sendable {
  /// The provider's name in the configuration.
  public var name: String
  /// What the provider's own SDK calls its base URL, for example `https://api.openai.com/v1`.
  public var endpoint: String
  /// The first is used; the others are for batches that were made with them, see `OpenAIProvider.pinned(to:)`. May be
  /// empty for a server that asks for none.
  public var apiKeys: [APIKey]
  public var organization: String?
  public var project: String?
  /// What the provider's log calls this process.
  public var userAgent = "millrace"
  public var completionWindow = "24h"
  public var timeouts = ProviderTimeouts()
  public var dialect: OpenAIDialect
  /// Waits; fails when its task is cancelled.
  public var sleep: @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }
  /// The largest answer to a synchronous call, and the longest line of a result file.
  public var maximumResponseBytes = 64 << 20

  public init(name: String, dialect: OpenAIDialect = .openAI, endpoint: String, apiKeys: [APIKey]) {
    self.name = name
    self.endpoint = endpoint
    self.apiKeys = apiKeys
    self.dialect = dialect
  }
}
