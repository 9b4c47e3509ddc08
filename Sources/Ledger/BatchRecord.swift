public import BatchCore
public import Wire

/// A batch as the ledger has it.
public struct BatchRecord: Hashable, Sendable {
  public enum State: UInt8, Hashable, Sendable {
    /// Rows are assigned; nothing that could cost was sent.
    case planned = 0
    /// The create is about to be written, or was, without a confirmation: it may exist at the provider.
    case creating = 1
    /// The provider's id is known.
    case submitted = 2
    /// All rows have left it.
    case settled = 3
    /// Given up before it ran; rows went back.
    case abandoned = 4
  }

  public var id: BatchID
  public var state: State
  public var label: String
  public var account: String
  public var key: WindowKey
  public var rowCount: Int
  public var tokens: Int64
  /// Sums over the rows, from which the provider's adapter computes the exact size of the input file.
  public var bodyBytes: Int64
  public var modelRangeBytes: Int64
  public var customIDBytes: Int64
  /// SHA-256 over custom ids and body hashes in row order.
  public var contentHash: SHA256Digest
  public var createdAt: Timestamp
  public var inputFileID: String?
  public var providerBatchID: String?
  /// When the provider confirmed it; while it is creating, when the create was begun.
  public var submittedAt: Timestamp?
  public var halvings: Int
  /// When we decided to cancel it, so that rows of it are not late.
  public var cancelledAt: Timestamp?
  /// What its model cost when it was planned; nil where that was not known, or not kept yet.
  public var price: ModelPrice?

  public init(
    id: BatchID, state: State, label: String, account: String, key: WindowKey, rowCount: Int, tokens: Int64,
    bodyBytes: Int64, modelRangeBytes: Int64, customIDBytes: Int64, contentHash: SHA256Digest, createdAt: Timestamp,
    inputFileID: String? = nil, providerBatchID: String? = nil, submittedAt: Timestamp? = nil, halvings: Int = 0,
    cancelledAt: Timestamp? = nil, price: ModelPrice? = nil
  ) {
    self.id = id
    self.state = state
    self.label = label
    self.account = account
    self.key = key
    self.rowCount = rowCount
    self.tokens = tokens
    self.bodyBytes = bodyBytes
    self.modelRangeBytes = modelRangeBytes
    self.customIDBytes = customIDBytes
    self.contentHash = contentHash
    self.createdAt = createdAt
    self.inputFileID = inputFileID
    self.providerBatchID = providerBatchID
    self.submittedAt = submittedAt
    self.halvings = halvings
    self.cancelledAt = cancelledAt
    self.price = price
  }
}
