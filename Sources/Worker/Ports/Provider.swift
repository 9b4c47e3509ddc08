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

  /// Makes one synchronous call. Whatever goes wrong is an outcome.
  func call(_ call: ProviderCall) async -> CallOutcome

  /// The exact size in bytes of an input file with rows of these sums.
  func inputSize(
    of rows: Int, customIDBytes: Int64, bodyBytes: Int64, modelRangeBytes: Int64, model: String, endpoint: Endpoint
  ) -> Int64

  /// Uploads an input file, built from the rows while it is sent. Returns the file's id.
  func upload(_ submission: BatchSubmission, rows: any BatchRowSource) async throws(ProviderError) -> String

  /// Creates a batch. An ambiguous error means that the provider may have it.
  func create(_ submission: BatchSubmission, fileID: String) async throws(ProviderError) -> BatchSnapshot

  func retrieve(_ batchID: String) async throws(ProviderError) -> BatchSnapshot
  func cancel(_ batchID: String) async throws(ProviderError) -> BatchSnapshot
  func results(fileID: String) async throws(ProviderError) -> any BatchResultSource

  /// Batches that carry the label.
  func findBatches(label: String, createdAfter: Timestamp) async throws(ProviderError) -> [BatchSnapshot]

  /// The input file that carries the label.
  func findFile(label: String) async throws(ProviderError) -> String?
  func deleteFile(_ fileID: String) async throws(ProviderError)
}

extension Provider {
  public func holder(of account: String) -> (any Provider)? { account == self.account ? self : nil }
}
