import BatchCore
import Ledger
import LedgerRules

/// The steps that the rules are made of, each a statement or two.
extension WriteSession: LedgerTables {
  func isLive(_ owner: Int64) -> Bool { owner == epoch }

  // MARK: Identities

  /// One process has the file, and one transaction is open at a time.
  func lock(_ key: CallKey) {}

  func insert(_ request: NewRequest, _ seed: RowSeed) throws -> Bool {
    try admissions.insert(request, seed, self)
  }

  func insertBody(_ body: RequestBody?, properties: [UInt8], of id: Int64) throws {
    try admissions.insertBody(body, properties: properties, of: id)
  }

  func latestOrdinal(_ key: CallKey) throws -> Int64? { try admissions.latestOrdinal(key) }

  func mergeable(_ key: MergeKey) throws -> Int64? { try admissions.mergeable(key) }

  func ordinal(_ key: CallKey, nonce: String) throws -> Int64? { try admissions.ordinal(key, nonce: nonce) }

  func unacked(_ key: CallKey, otherThan generation: Int64) throws -> Int64? {
    try admissions.unacked(key, otherThan: generation)
  }

  func setGeneration(_ generation: Int64, of id: Int64) throws {
    try admissions.setGeneration(generation, of: id)
  }

  func claim(_ id: Int64) throws { try admissions.claim(id, epoch: epoch) }

  func keep(_ id: Int64, as call: NewCall, notBefore: Timestamp) throws {
    try admissions.keep(id, as: call, notBefore: notBefore, self)
  }

  // MARK: Rows

  func row(_ id: Int64) throws -> StoredRow? { try requests.row(id) }

  func row(_ key: CallKey, ordinal: Int64) throws -> StoredRow? { try requests.row(key, ordinal: ordinal) }

  func store(_ body: RequestBody, of id: Int64) throws { try requests.store(body, of: id) }

  // MARK: Ends

  func finishCurrent(_ outcome: AttemptOutcome, _ failure: Failure?, answer: Int64, at now: Timestamp) throws -> Bool {
    try outcomes.finishCurrent(outcome, failure, answer: answer, at: now)
  }

  func finish(_ id: Int64, _ failure: Failure?, countingAttempts count: Int, answer: Int64?, at now: Timestamp) throws {
    budgets.touched.insert(id)
    try outcomes.finish(id, failure, countingAttempts: count, answer: answer, at: now)
  }

  func followers(of leader: Int64) throws -> [Int64] { try outcomes.followers(of: leader) }

  func end(of attempt: Int, of request: Int64) throws -> (id: Int64, end: AttemptEnd)? {
    try outcomes.end(of: attempt, of: request)
  }

  func again(_ id: Int64) throws { try outcomes.again(id) }

  func wait(_ id: Int64, as state: RowState, countingAttempts count: Int, notBefore: Timestamp) throws {
    try outcomes.wait(id, as: state, countingAttempts: count, notBefore: notBefore)
  }

  func park(_ id: Int64, _ body: RequestBody, notBefore: Timestamp) throws -> Bool {
    try outcomes.park(id, body, notBefore: notBefore)
  }

  // MARK: Replies

  func ready(_ id: Int64, _ urgency: ReplyUrgency, again: Bool) throws {
    try outcomes.insertReply(id, at: makePlace(urgency), again: again)
  }

  func setUndeliverable(_ id: Int64, reason: String?) throws { try outcomes.setUndeliverable(id, reason: reason) }

  // MARK: Batches

  func members(_ ids: [Int64]) throws -> [BatchMember] { try ids.compactMap { try batches.member($0) } }

  func plannedBatch(label: String) throws -> BatchRecord? { try batches.planned(label: label) }

  func insert(_ batch: BatchRecord, closedBy trigger: WindowTrigger) throws -> BatchID {
    try batches.insert(batch, closedBy: trigger)
  }

  func update(_ batch: BatchRecord) throws { try batches.update(batch) }

  func assign(_ members: [BatchMember], to batch: BatchID) throws {
    for member in members { try batches.assign(member.id, to: batch) }
  }

  func state(of batch: BatchID) throws -> (state: BatchRecord.State, providerID: String?)? {
    try batches.state(of: batch)
  }

  func setCreating(_ batch: BatchID, inputFileID: String?, at now: Timestamp) throws {
    try batches.setCreating(batch, inputFileID: inputFileID, at: now)
  }

  func setPlanned(_ batch: BatchID) throws { try batches.setPlanned(batch) }

  func setSubmitted(_ batch: BatchID, providerBatchID: String, at now: Timestamp) throws {
    try batches.setSubmitted(batch, providerBatchID: providerBatchID, at: now)
  }

  func setLines(_ batch: BatchID, _ lines: [UInt8]) throws { try batches.setLines(batch, lines) }

  func storedLines(of batch: BatchID) throws -> [UInt8]? { try batches.storedLines(of: batch) }

  func setEnded(_ batch: BatchID, as state: BatchRecord.State, at now: Timestamp) throws {
    try batches.setEnded(batch, as: state, at: now)
  }

  func unsettled(_ batch: BatchID, limit: Int) throws -> [Int64] { try batches.unsettled(batch, limit: limit) }

  func release(_ ids: [Int64], notBefore: Timestamp) throws {
    for id in ids { try batches.release(id, notBefore: notBefore) }
  }

  // MARK: Parked rows

  func parkedTurn(of line: ParkedLine) throws -> ParkedTurn? { try parked.turn(of: line, self) ?? .start }

  func setParkedTurn(_ turn: ParkedTurn, of line: ParkedLine) throws { try parked.setTurn(turn, of: line, self) }

  func parkedTenants(_ walk: ParkedWalk) throws -> [ParkedTenant] { try parked.tenants(walk, self) }

  func claimParked(_ ids: [Int64], of line: ParkedLine) throws -> [ParkedCall] {
    try ids.compactMap { try parked.claim($0, of: line, epoch: epoch) }
  }

  func setDeficits(_ deficits: [String: Int64], of line: ParkedLine) throws {
    try parked.setDeficits(deficits, of: line, self)
  }

  func correctDeficits(_ corrections: [String: Int64], bound: Int64, of line: ParkedLine) throws {
    try parked.correctDeficits(corrections, bound: bound, of: line, self)
  }

  func dropDeficits(of line: ParkedLine) throws { try parked.dropDeficits(of: line, self) }

  func reroute(_ row: RequestID, to route: Route) throws { try requests.setRoute(try id(of: route), of: row.rawValue) }
}
