public import BatchCore

/// An account at an LLM provider.
public protocol Provider: Sendable {
  /// Its name in the configuration.
  var name: String { get }
  /// Provider, URL and key fingerprint: batches are pinned to it.
  var account: String { get }
  var capabilities: ProviderCapabilities { get }
  /// The same provider as the account that a batch is pinned to; nil if its key is not configured.
  func holder(of account: String) -> (any Provider)?
  /// The same provider at the same URL with other keys than that of the account: what they see says something about the
  /// batches of that account, what they do not see says nothing.
  func standIns(for account: String) -> [any Provider]

  /// Makes one synchronous call. Whatever goes wrong is an outcome.
  func call(_ call: ProviderCall) async -> CallOutcome

  /// The exact size in bytes of an input file with rows of these sums.
  func inputSize(
    of rows: Int, customIDBytes: Int64, bodyBytes: Int64, modelRangeBytes: Int64, model: String, endpoint: Endpoint
  ) -> Int64

  /// Uploads an input file, built from the rows while it is sent. Returns the file's id.
  func upload(_ submission: BatchSubmission, rows: any BatchRowSource) async throws(ProviderError) -> String

  /// Creates a batch. An ambiguous error means that the provider may have it.
  /// - Parameter timeout: Bounds the whole exchange: after it nothing of the request is written any more.
  func create(
    _ submission: BatchSubmission, fileID: String, timeout: Duration
  ) async throws(ProviderError) -> BatchSnapshot

  func retrieve(_ batchID: String) async throws(ProviderError) -> BatchSnapshot
  func cancel(_ batchID: String) async throws(ProviderError) -> BatchSnapshot
  func results(fileID: String) async throws(ProviderError) -> any BatchResultSource

  /// Batches that carry the label, by whatever the provider gives back of it: metadata, the input file's id or name, the
  /// custom ids in the file.
  func findBatches(
    label: String, inputFileID: String?, createdAfter: Timestamp
  ) async throws(ProviderError) -> [BatchSnapshot]

  /// The input file that carries the label.
  func findFile(label: String) async throws(ProviderError) -> String?
  func deleteFile(_ fileID: String) async throws(ProviderError)
}

extension Provider {
  public func holder(of account: String) -> (any Provider)? { account == self.account ? self : nil }
  public func standIns(for account: String) -> [any Provider] { [] }
}
