package import BatchCore
package import Wire

/// An accepted row that a plan may take into its batch.
package struct BatchMember {
  package var id: Int64
  /// The attempt that the batch will be.
  package var attempt: Int
  package var tokens: Int64
  package var bodyBytes: Int64
  package var modelBytes: Int64
  package var bodyHash: SHA256Digest
  package var deadline: Timestamp?

  package init(
    id: Int64, attempt: Int, tokens: Int64, bodyBytes: Int64, modelBytes: Int64, bodyHash: SHA256Digest,
    deadline: Timestamp?
  ) {
    self.id = id
    self.attempt = attempt
    self.tokens = tokens
    self.bodyBytes = bodyBytes
    self.modelBytes = modelBytes
    self.bodyHash = bodyHash
    self.deadline = deadline
  }
}
