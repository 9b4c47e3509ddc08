import BatchCore
import Wire

/// A batch: what the provider shows of it, and what the simulator has decided about it.
///
/// ```
/// validating -> in_progress -> finalizing -> completed
///      |             |------------------------> expired
///      |-> failed    |
///      `-------------`-> cancelling -> cancelled
/// ```
struct BatchRecord: Sendable {
  enum Status: String, Sendable {
    case validating
    case inProgress = "in_progress"
    case finalizing
    case completed
    case failed
    case expired
    case cancelling
    case cancelled

    var isTerminal: Bool {
      switch self {
      case .validating, .inProgress, .finalizing, .cancelling: false
      case .completed, .failed, .expired, .cancelled: true
      }
    }
  }

  struct Problem: Hashable, Sendable {
    var code: String
    var message: String
    var param: String?
    /// From 1.
    var line: Int?
  }

  let id: String
  let project: String
  /// Fingerprint of the key that created it.
  let key: String
  /// From 0, in the order of creation; what batch faults are rolled by.
  let ordinal: Int
  let endpoint: Endpoint
  /// The endpoint as it was spelled.
  let path: String
  let dialect: Dialect
  let inputFileID: String
  let createdAt: Int
  /// The JSON of the metadata, as it was sent.
  let metadata: [UInt8]?
  /// Seconds that output and error file live.
  let outputLifetime: Int?

  var status = Status.validating
  var model: String?
  var problems: [Problem] = []
  var outputFileID: String?
  var errorFileID: String?
  var inProgressAt: Int?
  var finalizingAt: Int?
  var completedAt: Int?
  var failedAt: Int?
  var expiredAt: Int?
  var cancellingAt: Int?
  var cancelledAt: Int?
  var total = 0
  var completed = 0
  var failed = 0
  var inputTokens = 0
  var outputTokens = 0
  /// What the batch counts against the cap of its model while it is not terminal.
  var enqueuedTokens = 0
  /// If the batch is to expire: after so many rows.
  var expiresAfterRows: Int?
  /// Looks at the completed batch that do not show its files yet. Not kept over a restart.
  var hiddenLooks = 0

  init(
    id: String, project: String, key: String, ordinal: Int, endpoint: Endpoint, path: String, dialect: Dialect,
    inputFileID: String, createdAt: Int, metadata: [UInt8]?, outputLifetime: Int?
  ) {
    self.id = id
    self.project = project
    self.key = key
    self.ordinal = ordinal
    self.endpoint = endpoint
    self.path = path
    self.dialect = dialect
    self.inputFileID = inputFileID
    self.createdAt = createdAt
    self.metadata = metadata
    self.outputLifetime = outputLifetime
  }

  mutating func move(to status: Status, at now: Int) {
    self.status = status
    switch status {
    case .validating: break
    case .inProgress: inProgressAt = now
    case .finalizing: finalizingAt = now
    case .completed: completedAt = now
    case .failed: failedAt = now
    case .expired: expiredAt = now
    case .cancelling: cancellingAt = now
    case .cancelled: cancelledAt = now
    }
    if status.isTerminal { enqueuedTokens = 0 }
  }
}
