package import BatchCore
package import Ledger
import Wire

/// What the rules need of a store: single steps on its tables, all in the transaction that is open.
///
/// A store that several processes share keeps a row that it has read as it is until the transaction ends: nobody else
/// decides about it meanwhile.
package protocol LedgerTables: PlaceReading, AnyObject {
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
  /// A call that is accepted, waits for its window and may answer for this one too. Until the transaction ends it goes no
  /// further; one that goes on just now is none.
  func mergeable(_ key: MergeKey) throws -> Int64?
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
  /// The attempt that brought the request's outcome, if one did.
  func answeringAttempt(of request: Int64) throws -> Int?
  /// Removes a lost attempt whose result turns out to be the outcome.
  func removeAttempt(_ id: Int64) throws
  /// Fills in a lost attempt whose result was seen after all.
  func supersede(lost id: Int64, _ outcome: AttemptOutcome, at now: Timestamp) throws
  /// Another attempt of a claim begins.
  func again(_ id: Int64) throws
  func wait(_ id: Int64, as state: RowState, countingAttempts: Int, notBefore: Timestamp) throws
  /// Returns false when the row is no claim.
  func park(_ id: Int64, _ body: RequestBody, notBefore: Timestamp) throws -> Bool

  // MARK: Deadlines
  /// Parks those of the rows that are accepted. Returns how many.
  func expedite(_ ids: [Int64], notBefore: Timestamp) throws -> Int
  /// Parks those of the rows that are in the batch, where their attempt runs on, once each. Returns them.
  func sendTwice(_ ids: [Int64], of batch: BatchID, notBefore: Timestamp) throws -> [Int64]
  /// A row whose attempt in a batch runs on waits for that alone.
  func returnToBatch(_ id: Int64, countingAttempts: Int) throws
  /// The request goes, or went, as the batch does: by whatever way it was called meanwhile.
  func takeRoute(of batch: BatchID, for id: Int64) throws
  /// Rows whose attempt in this batch runs beside others, with their states; those that are back in it left out.
  func runningBeside(_ batch: BatchID) throws -> [(id: Int64, attempt: Int, isOver: Bool)]
  /// Nothing of the row runs in a batch any more.
  func endRunning(_ id: Int64) throws
  func setCancelled(_ batch: BatchID, at now: Timestamp) throws
  func setRan(_ batch: BatchID, at now: Timestamp) throws
  /// Adds to what was knowingly paid twice.
  func addDoubleSpend(_ spend: PicoUSD, of batch: BatchID, at now: Timestamp) throws
  func doubleSpend(since: Timestamp) throws -> PicoUSD

  // MARK: Parked rows
  /// Where the turns of the line's tenants stand. Nil while another process takes some: until the transaction ends nobody
  /// else does.
  func parkedTurn(of line: ParkedLine) throws -> ParkedTurn?
  func setParkedTurn(_ turn: ParkedTurn, of line: ParkedLine) throws
  /// Tenants with parked rows of the line in the order of their names, and of each the oldest rows that may be sent.
  func parkedTenants(_ walk: ParkedWalk) throws -> [ParkedTenant]
  /// Claims those of the rows that are parked, in this order.
  func claimParked(_ ids: [Int64], of line: ParkedLine) throws -> [ParkedCall]
  /// Keeps what tenants have saved up or owe; nothing of those that come out even.
  func setDeficits(_ deficits: [String: Int64], of line: ParkedLine) throws
  /// Takes from what is kept of tenants; nothing of those of which nothing is.
  func correctDeficits(_ corrections: [String: Int64], bound: Int64, of line: ParkedLine) throws
  /// Forgets tenants that have no parked rows any more.
  func dropDeficits(of line: ParkedLine) throws

  // MARK: Replies
  /// Puts a finished row's reply at the end of its part of the outbox, where it may be already.
  ///
  /// - Parameter again: Whether it was in the outbox before, and its dead letter with it.
  func ready(_ id: Int64, _ urgency: ReplyUrgency, again: Bool) throws
  func setUndeliverable(_ id: Int64, reason: String?) throws

  // MARK: Batches
  /// Those of the rows that are accepted and in no batch, in the order of their ids.
  func members(_ ids: [Int64]) throws -> [BatchMember]
  /// A planned batch of this process.
  func plannedBatch(label: String) throws -> BatchRecord?
  func insert(_ batch: BatchRecord, closedBy trigger: WindowTrigger) throws -> BatchID
  /// Writes what its rows come to.
  func update(_ batch: BatchRecord) throws
  /// The members enter the batch, each with another attempt.
  func assign(_ members: [BatchMember], to batch: BatchID) throws
  func state(of batch: BatchID) throws -> (state: BatchRecord.State, providerID: String?)?
  func setCreating(_ batch: BatchID, inputFileID: String?, at now: Timestamp) throws
  func setPlanned(_ batch: BatchID) throws
  func setSubmitted(_ batch: BatchID, providerBatchID: String, at now: Timestamp) throws
  /// What `StoredLines` made of the batch's lines.
  func setLines(_ batch: BatchID, _ lines: [UInt8]) throws
  func storedLines(of batch: BatchID) throws -> [UInt8]?
  func setEnded(_ batch: BatchID, as state: BatchRecord.State, at now: Timestamp) throws
  /// The first rows that are in the batch without a result.
  func unsettled(_ batch: BatchID, limit: Int) throws -> [Int64]
  /// Rows of a batch are accepted again, and the attempt does not count.
  func release(_ ids: [Int64], notBefore: Timestamp) throws

  // MARK: Budgets
  /// What the open transaction knows of budgets.
  var budgets: BudgetBook { get set }
  /// How these stand, nothing where there is none yet: until the transaction ends nobody else decides about them.
  func balances(of keys: [BudgetBook.Key]) throws -> [BudgetBook.Key: BudgetBalance]
  func setBalances(_ balances: [(BudgetBook.Key, BudgetBalance)]) throws
  func insertShares(_ shares: [BudgetBook.Share]) throws
  func updateShares(_ shares: [BudgetBook.Share]) throws
  /// What these requests have of budgets, and what that comes to now.
  func settledShares(of requests: [Int64]) throws -> [SettledShare]
  /// The call waits until its claims fit; the ledger has its custody.
  ///
  /// - Parameter due: When it is to be answered at the latest, if ever.
  func hold(_ id: Int64, for key: String, _ claims: [BudgetClaim], due: Timestamp?) throws
  /// It waits for another of its claims.
  func moveHold(_ id: Int64, to key: String) throws
  /// It waits for none any more.
  func dropHold(_ id: Int64) throws
  /// Budgets that calls wait for.
  func heldKeys() throws -> [String]
  /// Calls that wait for this budget, the oldest first, with all that they would take.
  func heldRequests(of key: String, limit: Int) throws -> [HeldRequest]
  /// Calls that wait though their deadline has passed.
  func overdueHeld(at now: Timestamp, limit: Int) throws -> [Int64]
  /// The budgets that these have a share of.
  func shareKeys(of requests: [Int64]) throws -> [BudgetBook.Key]
  /// Returns false when it does not wait any more.
  func release(_ id: Int64, at now: Timestamp) throws -> Bool

  // MARK: Limits of batches
  /// Until the transaction ends nobody else decides about places.
  func lockPlaces() throws
  /// Whether one that was planned before this has asked for its place since then, and has none.
  func isBehindAnother(_ batch: BatchID, account: String, model: String, since: Timestamp) throws -> Bool
  /// The tokens that the batch has reserved, if it has a place.
  func place(of batch: BatchID) throws -> Int64?
  /// - Parameter tokens: nil while it has no place, and asks for one.
  func setPlace(_ batch: BatchID, tokens: Int64?, at now: Timestamp) throws
  /// Nil forgets it.
  func setFact(_ what: String, _ value: Int64?, account: String, model: String, at now: Timestamp) throws
}

extension LedgerTables {
  func ready(_ id: Int64, _ urgency: ReplyUrgency) throws { try ready(id, urgency, again: false) }

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
