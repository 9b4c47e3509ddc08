public import BatchCore

/// An account at Anthropic.
public struct AnthropicConfiguration: Sendable {
  /// The provider's name in the configuration.
  public var name: String
  /// What the provider's own SDK calls its base URL, without a version: `https://api.anthropic.com`.
  public var endpoint: String
  /// The first is used; the others are for batches that were made with them.
  public var apiKeys: [APIKey]
  /// What `anthropic-version` says. A later one refuses bodies that this one takes, such as those with a temperature.
  public var version = AnthropicConfiguration.defaultVersion
  /// What the provider's log calls this process.
  public var userAgent = "millrace"
  public var timeouts = ProviderTimeouts()
  public var capabilities = ProviderCapabilities.anthropic
  /// The largest answer to a synchronous call, and the longest line of a batch's results, in bytes.
  public var maximumResponseBytes = 64 << 20

  public static let defaultVersion = "2023-06-01"

  public init(name: String, endpoint: String, apiKeys: [APIKey]) {
    self.name = name
    self.endpoint = endpoint
    self.apiKeys = apiKeys
  }
}
