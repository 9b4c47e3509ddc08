import BatchCore
import Ledger
import LedgerRules

/// The steps that the rules are made of.
extension WriteSession: LedgerTables {
  func isLive(_ owner: Int64) throws -> Bool {
    if owner == replica { return true }
    return try statements().replicas.isLive(owner)
  }

  // MARK: Identities

  func lock(_ key: CallKey) throws { try statements().admissions.lock(key) }

  func insert(_ request: NewRequest, _ seed: RowSeed) throws -> Bool {
    try !statements().admissions.insert([(request, seed)], self).isEmpty
  }

  func insertBody(_ body: RequestBody?, properties: [UInt8], of id: Int64) {
    if body == nil && properties.isEmpty { return }
    pending.bodies.append((id, body?.bytes, properties))
  }

  func latestOrdinal(_ key: CallKey) throws -> Int64? { try statements().admissions.latestOrdinal(key) }

  func mergeable(_ key: MergeKey) throws -> Int64? { try statements().admissions.mergeable(key) }

  func ordinal(_ key: CallKey, nonce: String) throws -> Int64? {
    try statements().admissions.ordinal(key, nonce: nonce)
  }

  func unacked(_ key: CallKey, otherThan generation: Int64) throws -> Int64? {
    try statements().admissions.unacked(key, otherThan: generation)
  }

  func setGeneration(_ generation: Int64, of id: Int64) throws {
    try statements().admissions.setGeneration(generation, of: id)
  }

  func claim(_ id: Int64) throws { try statements().admissions.claim(id, owner: replica) }

  func keep(_ id: Int64, as call: NewCall, notBefore: Timestamp) throws {
    try statements().admissions.keep(id, as: call, notBefore: notBefore, self)
  }

  // MARK: Rows

  func row(_ id: Int64) throws -> StoredRow? { try statements().requests.row(id) }

  func row(_ key: CallKey, ordinal: Int64) throws -> StoredRow? {
    try statements().requests.row(key, ordinal: ordinal)
  }

  func store(_ body: RequestBody, of id: Int64) throws {
    try flushBodies()
    try statements().requests.store(body, of: id)
  }

  // MARK: Ends

  func finishCurrent(_ outcome: AttemptOutcome, _ failure: Failure?, answer: Int64, at now: Timestamp) throws -> Bool {
    try !statements().outcomes.finishCurrent([(outcome, failure, answer)], at: now).isEmpty
  }

  func finish(_ id: Int64, _ failure: Failure?, countingAttempts count: Int, answer: Int64?, at now: Timestamp) throws {
    pending.budgets.touched.insert(id)
    try statements().outcomes.finish(id, failure, countingAttempts: count, answer: answer, at: now)
  }

  func followers(of leader: Int64) throws -> [Int64] {
    try statements().outcomes.followers(of: [leader])[leader] ?? []
  }

  func insertAttempt(
    _ outcome: AttemptOutcome, id: Int64, of request: Int64, _ end: AttemptEnd, at now: Timestamp
  ) {
    pending.budgets.touched.insert(request)
    pending.attempts.append(
      PendingRows.Attempt(id: id, request: request, end: end, outcome: outcome, endedAt: now))
  }

  func end(of attempt: Int, of request: Int64) throws -> (id: Int64, end: AttemptEnd)? {
    try flushAttempts()
    return try statements().outcomes.end(of: attempt, of: request)
  }

  func supersede(lost id: Int64, _ outcome: AttemptOutcome, at now: Timestamp) throws {
    pending.budgets.touched.insert(outcome.id.rawValue)
    let route = try outcome.route.map { Int32(clamping: try self.id(of: $0)) }
    let statements = try statements()
    try statements.costs.add([id], sign: -1, replica: replica)
    try statements.outcomes.supersede(lost: id, outcome, at: now, route: route)
    try statements.costs.add([id], sign: 1, replica: replica)
  }

  func again(_ id: Int64) throws { try statements().outcomes.again(id) }

  func wait(_ id: Int64, as state: RowState, countingAttempts count: Int, notBefore: Timestamp) throws {
    try statements().outcomes.wait(id, as: state, countingAttempts: count, notBefore: notBefore)
  }

  func park(_ id: Int64, _ body: RequestBody, notBefore: Timestamp) throws -> Bool {
    try statements().outcomes.park(id, body, notBefore: notBefore)
  }

  // MARK: Parked rows

  func parkedTurn(of line: ParkedLine) throws -> ParkedTurn? {
    try statements().parked.turn(of: line, id: try id(of: line.route))
  }

  func setParkedTurn(_ turn: ParkedTurn, of line: ParkedLine) throws {
    try statements().parked.setTurn(turn, of: line, id: try id(of: line.route))
  }

  func parkedTenants(_ walk: ParkedWalk) throws -> [ParkedTenant] {
    try statements().parked.tenants(walk, id: try id(of: walk.line.route))
  }

  func claimParked(_ ids: [Int64], of line: ParkedLine) throws -> [ParkedCall] {
    // A row that was admitted in this very commit may be claimed too.
    try flushBodies()
    return try statements().parked.claim(ids, of: line, owner: replica)
  }

  func setDeficits(_ deficits: [String: Int64], of line: ParkedLine) throws {
    try statements().parked.setDeficits(deficits, of: line, id: try id(of: line.route))
  }

  func correctDeficits(_ corrections: [String: Int64], bound: Int64, of line: ParkedLine) throws {
    try statements().parked.correctDeficits(corrections, bound: bound, of: line, id: try id(of: line.route))
  }

  func dropDeficits(of line: ParkedLine) throws {
    try statements().parked.dropDeficits(of: line, id: try id(of: line.route))
  }

  // MARK: Replies

  func ready(_ id: Int64, _ urgency: ReplyUrgency, again: Bool) throws {
    pending.replies.append((try makePlace(urgency), id, again))
  }

  func setUndeliverable(_ id: Int64, reason: String?) throws {
    try statements().outcomes.setUndeliverable(id, reason: reason)
  }

  // MARK: Batches

  func members(_ ids: [Int64]) throws -> [BatchMember] { try statements().batches.members(ids) }

  func plannedBatch(label: String) throws -> BatchRecord? {
    try statements().batches.planned(label: label, owner: replica)
  }

  func insert(_ batch: BatchRecord, closedBy trigger: WindowTrigger) throws -> BatchID {
    try statements().batches.insert(batch, closedBy: trigger, owner: replica)
  }

  func update(_ batch: BatchRecord) throws { try statements().batches.update(batch) }

  func assign(_ members: [BatchMember], to batch: BatchID) throws {
    try statements().batches.assign(members.map(\.id), to: batch)
  }

  func state(of batch: BatchID) throws -> (state: BatchRecord.State, providerID: String?)? {
    try statements().batches.state(of: batch)
  }

  func setCreating(_ batch: BatchID, inputFileID: String?, at now: Timestamp) throws {
    try statements().batches.setCreating(batch, inputFileID: inputFileID, at: now)
  }

  func setPlanned(_ batch: BatchID) throws { try statements().batches.setPlanned(batch) }

  func setSubmitted(_ batch: BatchID, providerBatchID: String, at now: Timestamp) throws {
    try statements().batches.setSubmitted(batch, providerBatchID: providerBatchID, at: now)
  }

  func setLines(_ batch: BatchID, _ lines: [UInt8]) throws { try statements().batches.setLines(batch, lines) }

  func storedLines(of batch: BatchID) throws -> [UInt8]? { try statements().batches.storedLines(of: batch) }

  func setEnded(_ batch: BatchID, as state: BatchRecord.State, at now: Timestamp) throws {
    try statements().batches.setEnded(batch, as: state, at: now)
  }

  func unsettled(_ batch: BatchID, limit: Int) throws -> [Int64] {
    try statements().batches.unsettled(batch, limit: limit)
  }

  func release(_ ids: [Int64], notBefore: Timestamp) throws {
    try statements().batches.release(ids, notBefore: notBefore)
  }
}
