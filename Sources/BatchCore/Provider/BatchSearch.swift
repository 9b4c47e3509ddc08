/// What is known of a batch whose create was not confirmed.
public struct BatchSearch: Hashable, Sendable {
  /// In its metadata, its file's name, and at the beginning of each of its custom ids.
  public var label: String
  public var inputFileID: String?
  /// How far back to look: when the intent was written.
  public var createdAfter: Timestamp
  public var rowCount: Int
  /// Ids of the provider that belong to other batches of ours.
  public var otherBatches: Set<String>

  public init(
    label: String, inputFileID: String? = nil, createdAfter: Timestamp, rowCount: Int, otherBatches: Set<String> = []
  ) {
    self.label = label
    self.inputFileID = inputFileID
    self.createdAfter = createdAfter
    self.rowCount = rowCount
    self.otherBatches = otherBatches
  }
}
