/// When requests are gathered into one window and when it closes.
public struct BatchingSettings: Sendable, Equatable {
  /// How the tokens of a request are counted before it is sent.
  public enum TokenEstimator: String, Sendable, CaseIterable { case tiktoken }

  /// The bounds of a window; the first one that is reached closes it.
  public struct Window: Sendable, Equatable {
    /// Pause after the last arrival.
    public var idle: Duration
    /// Age of the first arrival.
    public var maxAge: Duration
    public var maxRequestsPerBatch: Int
    public var maxTokensPerBatch: Int
    public var maxBatchBytes: Int

    public init(
      idle: Duration, maxAge: Duration, maxRequestsPerBatch: Int, maxTokensPerBatch: Int,
      maxBatchBytes: Int = 188_743_680
    ) {
      self.idle = idle
      self.maxAge = maxAge
      self.maxRequestsPerBatch = maxRequestsPerBatch
      self.maxTokensPerBatch = maxTokensPerBatch
      self.maxBatchBytes = maxBatchBytes
    }
  }

  public var tokenEstimator = TokenEstimator.tiktoken
  /// Whether prompts that begin alike are neighbours in a batch, for the provider's prompt cache.
  public var orderByPrefix = true
  /// Whether deferred requests of one tenant that ask the same with `temperature: 0` in one window are sent once.
  public var mergeIdentical = false
  /// Whether deferred requests for embeddings that differ only in their inputs share the calls of their batch.
  public var mergeEmbeddings = false
  public var interactive = Window(
    idle: .milliseconds(5), maxAge: .milliseconds(50), maxRequestsPerBatch: 50, maxTokensPerBatch: 100_000)
  public var deferred = Window(
    idle: .milliseconds(30_000), maxAge: .milliseconds(300_000), maxRequestsPerBatch: 50_000,
    maxTokensPerBatch: 2_000_000)

  public init() {}
}
