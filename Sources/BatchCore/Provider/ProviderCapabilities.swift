/// What a kind of provider can do, as data: it drives windows, submission and reconciliation.
public struct ProviderCapabilities: Hashable, Sendable {
  /// How a batch's rows reach the provider.
  public enum BatchWay: Hashable, Sendable {
    /// In a file that is uploaded first. A create that comes after the file's deletion makes no batch.
    case file
    /// In the create itself: nothing can be taken away from a create that is late.
    case inline
  }

  /// What a batch is found by whose create was not confirmed.
  public enum BatchSearch: Hashable, Sendable {
    /// Metadata or a name that the provider gives back at once.
    case label
    /// Number of rows and time; certain only by the custom ids in its results, once it has ended.
    case customIDs
  }

  /// Native batches: nil where the provider has none.
  public var batchWay: BatchWay?
  /// Nil where batches cannot be searched at all.
  public var batchSearch: BatchSearch?
  public var cancellable: Bool
  /// Whether a cancelled or expired batch gives the results that it has.
  public var keepsResultsOfCancelled: Bool
  /// Whether a batch says how many of its rows are done before it has ended.
  public var showsProgress: Bool
  /// Whether the provider posts to a webhook when a batch has ended.
  public var sendsWebhooks: Bool
  /// How long results can be fetched; nil where nothing is documented.
  public var resultLifetime: Duration?
  /// What may be asked synchronously.
  public var endpoints: Set<Endpoint>
  /// What may be asked in a batch.
  public var batchEndpoints: Set<Endpoint>
  /// Of `endpoints`, those whose bodies and answers are translated.
  public var translatedEndpoints: Set<Endpoint>
  /// Whether its limits count the most that a request allows as output, and not what is produced.
  public var countsOutputLimit: Bool
  /// The largest batch that is built, a little under the documented maximum; input in bytes.
  public var largestBatchRows: Int
  public var largestBatchBytes: Int64
  /// Estimated input tokens of the largest batch; nil without a limit of its own.
  public var largestBatchTokens: Int64?
  /// How much one call for embeddings may hold; nil where nothing is documented.
  public var embeddings: EmbeddingLimits?
  /// In bytes; all ids keep to `[A-Za-z0-9_-]`.
  public var longestCustomID: Int
  /// What a batch costs less than calls, in percent of the list price; nil where nothing is documented.
  public var batchDiscount: Int?

  public init(
    batchWay: BatchWay?, batchSearch: BatchSearch?, cancellable: Bool, keepsResultsOfCancelled: Bool = true,
    showsProgress: Bool = true, sendsWebhooks: Bool = false, resultLifetime: Duration? = nil,
    endpoints: Set<Endpoint>, batchEndpoints: Set<Endpoint>? = nil, translatedEndpoints: Set<Endpoint> = [],
    countsOutputLimit: Bool = false, largestBatchRows: Int, largestBatchBytes: Int64, largestBatchTokens: Int64? = nil,
    embeddings: EmbeddingLimits? = nil, longestCustomID: Int = 64, batchDiscount: Int? = nil
  ) {
    self.batchWay = batchWay
    self.batchSearch = batchSearch
    self.cancellable = cancellable
    self.keepsResultsOfCancelled = keepsResultsOfCancelled
    self.showsProgress = showsProgress
    self.sendsWebhooks = sendsWebhooks
    self.resultLifetime = resultLifetime
    self.endpoints = endpoints
    self.batchEndpoints = batchEndpoints ?? endpoints
    self.translatedEndpoints = translatedEndpoints
    self.countsOutputLimit = countsOutputLimit
    self.largestBatchRows = largestBatchRows
    self.largestBatchBytes = largestBatchBytes
    self.largestBatchTokens = largestBatchTokens
    self.embeddings = embeddings
    self.longestCustomID = longestCustomID
    self.batchDiscount = batchDiscount
  }

  /// Whether it has a native batch endpoint.
  public var batches: Bool { batchWay != nil }
  public var searchable: Bool { batchSearch != nil }
  /// Whether a create needs an input file that can be deleted, so that no create can come after that.
  public var fencedByInputFile: Bool { batchWay == .file }

  /// The same without native batches: what is deferred is then served by calls.
  public var withoutBatches: ProviderCapabilities {
    var capabilities = self
    capabilities.batchWay = nil
    capabilities.batchSearch = nil
    capabilities.cancellable = false
    return capabilities
  }
}
