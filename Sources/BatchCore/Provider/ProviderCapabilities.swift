/// What a provider can do, as data.
public struct ProviderCapabilities: Hashable, Sendable {
  /// Whether it has a native batch endpoint.
  public var batches: Bool
  /// Whether batches can be searched by label.
  public var searchable: Bool
  public var cancellable: Bool
  /// Whether a create needs an input file that can be deleted, so that no create can come after that.
  public var fencedByInputFile: Bool
  public var endpoints: Set<Endpoint>
  /// The largest batch that is built, a little under the documented maximum.
  public var largestBatchRows: Int
  public var largestBatchBytes: Int64

  public init(
    batches: Bool, searchable: Bool, cancellable: Bool, fencedByInputFile: Bool = true, endpoints: Set<Endpoint>,
    largestBatchRows: Int, largestBatchBytes: Int64
  ) {
    self.batches = batches
    self.searchable = searchable
    self.cancellable = cancellable
    self.fencedByInputFile = fencedByInputFile
    self.endpoints = endpoints
    self.largestBatchRows = largestBatchRows
    self.largestBatchBytes = largestBatchBytes
  }
}
