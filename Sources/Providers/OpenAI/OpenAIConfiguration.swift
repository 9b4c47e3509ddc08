/// An account at OpenAI or at a server that speaks like it.
public struct OpenAIConfiguration: Sendable {
  public enum Kind: Hashable, Sendable {
    case openAI
    case openAICompatible
  }

  public struct Timeouts: Hashable, Sendable {
    public var connect: Duration = .seconds(10)
    /// Without a byte in either direction, for transfers of files.
    public var idle: Duration = .seconds(60)
    /// For small operations: create, retrieve, cancel, list, delete.
    public var operation: Duration = .seconds(60)

    public init() {}
  }

  /// The provider's name in the configuration.
  public var name: String
  public var kind: Kind
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
  public var timeouts = Timeouts()
  /// Whether the server has files and batches.
  public var hasBatches = true
  public var largestBatchRows: Int
  public var largestBatchBytes: Int64
  /// The largest answer to a synchronous call, and the longest line of a result file.
  public var maximumResponseBytes = 64 << 20

  public init(name: String, kind: Kind = .openAI, endpoint: String, apiKeys: [APIKey]) {
    self.name = name
    self.kind = kind
    self.endpoint = endpoint
    self.apiKeys = apiKeys
    switch kind {
    case .openAI:
      // Documented: 50,000 and 200 MB.
      largestBatchRows = 50_000
      largestBatchBytes = 200_000_000
    case .openAICompatible:
      largestBatchRows = 10_000
      largestBatchBytes = 90_000_000
    }
  }
}
