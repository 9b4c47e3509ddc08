public import BatchCore

/// An account at Mistral.
public struct MistralConfiguration: Sendable {
  /// The provider's name in the configuration.
  public var name: String
  /// What the provider's own SDK calls its server URL, with or without `/v1`: `https://api.mistral.ai`.
  public var endpoint: String
  /// The first is used; the others are for batches that were made with them.
  public var apiKeys: [APIKey]
  /// What the provider's log calls this process.
  public var userAgent = "millrace"
  /// How long a job may take before the provider ends it.
  public var timeoutHours = 24
  public var timeouts = ProviderTimeouts()
  public var capabilities = ProviderCapabilities.mistral
  /// The largest answer to a synchronous call, and the longest line of a result file, in bytes.
  public var maximumResponseBytes = 64 << 20

  /// A job's time has to stay below seven days.
  static let longestTimeoutHours = 167

  public init(name: String, endpoint: String, apiKeys: [APIKey]) {
    self.name = name
    self.endpoint = endpoint
    self.apiKeys = apiKeys
  }
}
