public import BatchCore

/// An account at the Gemini API.
public struct GeminiConfiguration: Sendable {
  /// The provider's name in the configuration.
  public var name: String
  /// What the provider's own SDK calls its base URL, without a version: `https://generativelanguage.googleapis.com`.
  public var endpoint: String
  /// The first is used; the others are for batches that were made with them.
  public var apiKeys: [APIKey]
  /// The version that paths begin with.
  public var version = GeminiConfiguration.defaultVersion
  /// What the provider's log calls this process.
  public var userAgent = "millrace"
  public var timeouts = ProviderTimeouts()
  public var capabilities = ProviderCapabilities.gemini
  /// How long an uploaded file may take until a batch can be made of it.
  public var processingLimit = Duration.seconds(600)
  /// Waits; fails when its task is cancelled.
  public var sleep: @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }
  /// The largest answer to a synchronous call, and the longest line of a batch's results, in bytes.
  public var maximumResponseBytes = 64 << 20

  public static let defaultVersion = "v1beta"

  public init(name: String, endpoint: String, apiKeys: [APIKey]) {
    self.name = name
    self.endpoint = endpoint
    self.apiKeys = apiKeys
  }
}
