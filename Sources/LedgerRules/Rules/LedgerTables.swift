package import BatchCore
package import Ledger
import Wire

/// What the rules need of a store: single steps on its tables, all in the transaction that is open.
///
/// A store that several processes share keeps a row that it has read as it is until the transaction ends: nobody else
/// decides about it meanwhile.
package protocol LedgerTables: AnyObject {
  // MARK: Numbers
  func makeID() throws -> Int64
  func makeAttemptID() throws -> Int64
  /// Whether the process with this epoch still has its claims.
  func isLive(_ owner: Int64) throws -> Bool

  // MARK: Identities
  /// Until the transaction ends nobody else decides about rows of this identity that are there already.
  func lock(_ key: CallKey) throws
  /// Returns false when there is a row with this key and ordinal.
  func insert(_ request: NewRequest, _ seed: RowSeed) throws -> Bool
  /// - Parameter body: nil while the broker holds it; its properties are kept for a dead letter all the same.
  func insertBody(_ body: RequestBody?, properties: [UInt8], of id: Int64) throws
  /// The highest ordinal of the key.
  func latestOrdinal(_ key: CallKey) throws -> Int64?
  /// The latest row of the key that this nonce made.
  func ordinal(_ key: CallKey, nonce: String) throws -> Int64?
  /// A row of the fingerprint whose ack may be lost, and that no delivery of this generation stands for.
  func unacked(_ key: CallKey, otherThan generation: Int64) throws -> Int64?
  func setGeneration(_ generation: Int64, of id: Int64) throws
  /// This process calls for the row from now on, with another attempt.
  func claim(_ id: Int64) throws
  /// A claim becomes a row that is kept, as a delivery with other wishes says.
  func keep(_ id: Int64, as call: NewCall, notBefore: Timestamp) throws

  // MARK: Rows
  func row(_ id: Int64) throws -> StoredRow?
  func row(_ key: CallKey, ordinal: Int64) throws -> StoredRow?
  /// Keeps the body beside properties that may be there already.
  func store(_ body: RequestBody, of id: Int64) throws

  // MARK: Ends
  /// Ends the request if the attempt is the one it waits for: the common case, decided by one statement.
  func finishCurrent(_ outcome: AttemptOutcome, _ failure: Failure?, answer: Int64, at now: Timestamp) throws -> Bool
  /// - Parameter answer: the attempt that ended it, if one did.
  func finish(_ id: Int64, _ failure: Failure?, countingAttempts: Int, answer: Int64?, at now: Timestamp) throws
  /// Subscribers that wait for this row's outcome, oldest first.
  func followers(of leader: Int64) throws -> [Int64]
  /// Appends an attempt; its response with one that is the request's outcome.
  func insertAttempt(_ outcome: AttemptOutcome, id: Int64, of request: Int64, _ end: AttemptEnd, at now: Timestamp)
    throws
  /// How an attempt ended that is not its request's outcome. Nil while it has not.
  func end(of attempt: Int, of request: Int64) throws -> (id: Int64, end: AttemptEnd)?
  /// Fills in a lost attempt whose result was seen after all.
  func supersede(lost id: Int64, _ outcome: AttemptOutcome, at now: Timestamp) throws
  /// Another attempt of a claim begins.
  func again(_ id: Int64) throws
  func wait(_ id: Int64, as state: RowState, countingAttempts: Int, notBefore: Timestamp) throws
  /// Returns false when the row is no claim.
  func park(_ id: Int64, _ body: RequestBody, notBefore: Timestamp) throws -> Bool

  // MARK: Replies
  /// Puts a finished row's reply at the end of the outbox, where it may be already.
  ///
  /// - Parameter again: Whether it was in the outbox before, and its dead letter with it.
  func ready(_ id: Int64, again: Bool) throws
  func setUndeliverable(_ id: Int64, reason: String?) throws

  // MARK: Batches
  /// Those of the rows that are accepted and in no batch, in the order of their ids.
  func members(_ ids: [Int64]) throws -> [BatchMember]
  func insert(_ batch: BatchRecord, closedBy trigger: WindowTrigger) throws -> BatchID
  /// The members enter the batch, each with another attempt.
  func assign(_ members: [BatchMember], to batch: BatchID) throws
  func state(of batch: BatchID) throws -> (state: BatchRecord.State, providerID: String?)?
  func setCreating(_ batch: BatchID, inputFileID: String) throws
  func setPlanned(_ batch: BatchID) throws
  func setSubmitted(_ batch: BatchID, providerBatchID: String, at now: Timestamp) throws
  func setEnded(_ batch: BatchID, as state: BatchRecord.State, at now: Timestamp) throws
  /// Rows that are in the batch without a result.
  func unsettled(_ batch: BatchID) throws -> [Int64]
  /// They are accepted again, and the attempt does not count.
  func releaseAll(_ batch: BatchID, notBefore: Timestamp) throws
}

extension LedgerTables {
  func ready(_ id: Int64) throws { try ready(id, again: false) }

  /// The row itself, or its leader if it follows one: outcomes and bodies are the leader's.
  package func leader(of id: Int64) throws -> StoredRow? {
    guard let row = try row(id), row.kind == .subscriber, let leader = row.leaderID else { return try self.row(id) }
    return try self.row(leader)
  }

  /// The broker holds its message, and the process that called for it is gone.
  func isAbandonedClaim(_ row: StoredRow) throws -> Bool {
    guard row.state == .claimed, row.custody == .broker else { return false }
    guard let owner = row.owner else { return true }
    return try !isLive(owner)
  }
}

/// A call that makes no sense for the rows it names: a defect of the caller.
package struct InvalidOperation: Error {
  package var message: String

  package init(_ message: String) {
    self.message = message
  }
}

/// The tables hold what this program never writes.
package struct DamagedTables: Error {
  package var what: String

  package init(_ what: String) {
    self.what = what
  }
}
