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

  /// Uploads an input file, built from the rows while it is sent. Returns the file's id. Not asked of a provider that takes
  /// the rows in the create. Where bodies are translated the rows are read twice, since their length is not known before.
  func upload(_ submission: BatchSubmission, rows: any BatchRows) async throws(ProviderError) -> String

  /// Creates a batch. An ambiguous error means that the provider may have it.
  /// - Parameter timeout: Bounds the whole exchange: after it nothing of the request is written any more. Where the rows
  ///   travel in the request it is counted from the last of them.
  func create(
    _ submission: BatchSubmission, input: BatchInput, timeout: Duration
  ) async throws(ProviderError) -> BatchSnapshot

  func retrieve(_ batchID: String) async throws(ProviderError) -> BatchSnapshot
  func cancel(_ batchID: String) async throws(ProviderError) -> BatchSnapshot
  func results(fileID: String) async throws(ProviderError) -> any BatchResultSource
  /// The same in the shape of the endpoint that the batch's rows asked for, where the provider has another.
  func results(fileID: String, of endpoint: Endpoint) async throws(ProviderError) -> any BatchResultSource
  /// Why a body that asks for this endpoint cannot be sent: the name of what has no counterpart. Nil if it can.
  func objection(to body: RequestBody, endpoint: Endpoint) -> String?

  /// Batches that carry the label, by whatever the provider gives back of it: metadata, the input file's id or name, the
  /// custom ids in the file or in the results.
  func findBatches(_ search: BatchSearch) async throws(ProviderError) -> [BatchSnapshot]

  /// The input file that carries the label.
  func findFile(label: String) async throws(ProviderError) -> String?
  func deleteFile(_ fileID: String) async throws(ProviderError)
}

extension Provider {
  public func holder(of account: String) -> (any Provider)? { account == self.account ? self : nil }
  public func standIns(for account: String) -> [any Provider] { [] }

  public func results(fileID: String, of endpoint: Endpoint) async throws(ProviderError) -> any BatchResultSource {
    try await results(fileID: fileID)
  }

  public func objection(to body: RequestBody, endpoint: Endpoint) -> String? { nil }
}
