/// What a provider can do, as data.
public struct ProviderCapabilities: Hashable, Sendable {
  /// Whether it has a native batch endpoint.
  public var batches: Bool
  /// Whether batches can be searched by label.
  public var searchable: Bool
  public var cancellable: Bool
  public var endpoints: Set<Endpoint>
  /// The largest batch that is built, a little under the documented maximum.
  public var largestBatchRows: Int
  public var largestBatchBytes: Int64

  public init(
    batches: Bool, searchable: Bool, cancellable: Bool, endpoints: Set<Endpoint>, largestBatchRows: Int,
    largestBatchBytes: Int64
  ) {
    self.batches = batches
    self.searchable = searchable
    self.cancellable = cancellable
    self.endpoints = endpoints
    self.largestBatchRows = largestBatchRows
    self.largestBatchBytes = largestBatchBytes
  }
}
