package import BatchCore
package import Ledger
import Wire

/// The three steps of a batch, and its end.
extension LedgerTables {
  package func plan(_ plan: BatchPlan, at now: Timestamp) throws -> PlannedBatch {
    // An id that is named twice is taken once.
    let found = try members(Set(plan.rows.map(\.rawValue)).sorted())
    let expired = found.filter { $0.deadline.map { $0 < now } ?? false }
    let cutOff = max(now, plan.cutOff ?? now)
    let urgent = found.filter { $0.deadline.map { $0 >= now && $0 < cutOff } ?? false }
    let members = found.filter { $0.deadline.map { $0 >= cutOff } ?? true }
    for member in expired {
      guard let row = try self.row(member.id) else { continue }
      try finish(row, Failure(.deadlineExceeded, "its deadline passed before it was sent"), at: now)
    }
    if !urgent.isEmpty { _ = try expedite(urgent.map(\.id), notBefore: now) }
    var planned = PlannedBatch(
      batch: nil, expired: expired.map { RequestID($0.id) }, expedited: urgent.map { RequestID($0.id) })
    if members.isEmpty { return planned }
    var batch = record(of: plan, members, at: now)
    batch.id = try insert(batch, closedBy: plan.trigger)
    try assign(members, to: batch.id)
    planned.batch = batch
    return planned
  }

  private func record(of plan: BatchPlan, _ members: [BatchMember], at now: Timestamp) -> BatchRecord {
    var hasher = SHA256()
    var tokens: Int64 = 0
    var (bodyBytes, modelBytes, customIDBytes) = (Int64(0), Int64(0), Int64(0))
    for member in members {
      var customID = "\(plan.label)_\(member.id)_\(member.attempt)"
      customIDBytes += Int64(customID.utf8.count)
      customID.withUTF8 { hasher.update(UnsafeRawBufferPointer($0)) }
      // No custom id has a line break, so no two lists of rows hash the same bytes.
      hasher.update(CollectionOfOne(UInt8(ascii: "\n")))
      member.bodyHash.withUnsafeBytes { hasher.update($0) }
      tokens = tokens.addingReportingOverflow(member.tokens).partialValue
      bodyBytes += member.bodyBytes
      modelBytes += member.modelBytes
    }
    return BatchRecord(
      id: BatchID(0), state: .planned, label: plan.label, account: plan.account, key: plan.key,
      rowCount: members.count, tokens: tokens, bodyBytes: bodyBytes, modelRangeBytes: modelBytes,
      customIDBytes: customIDBytes, contentHash: hasher.finalize(), createdAt: now, halvings: plan.halvings,
      price: plan.price)
  }

  // MARK: States

  func knownState(of batch: BatchID) throws -> (state: BatchRecord.State, providerID: String?) {
    guard let found = try state(of: batch) else {
      throw InvalidOperation("there is no batch \(batch.rawValue)")
    }
    return found
  }

  func require(_ batch: BatchID, in states: Set<BatchRecord.State>, to what: String) throws {
    let state = try knownState(of: batch).state
    guard states.contains(state) else {
      throw InvalidOperation("batch \(batch.rawValue) is \(state) and cannot be \(what)")
    }
  }

  package func keepLines(_ lines: BatchLines, of batch: BatchID) throws -> BatchLines {
    try require(batch, in: [.planned], to: "given other lines")
    if let known = try storedLines(of: batch) {
      guard let known = StoredLines.decode(known) else { throw DamagedTables("the lines of batch \(batch.rawValue)") }
      return known
    }
    try setLines(batch, StoredLines.encode(lines))
    return lines
  }

  package func markCreating(_ batch: BatchID, inputFileID: String?, at now: Timestamp) throws {
    try require(batch, in: [.planned, .creating], to: "created")
    try setCreating(batch, inputFileID: inputFileID, at: now)
  }

  package func markPlanned(_ batch: BatchID) throws {
    try require(batch, in: [.planned, .creating], to: "planned again")
    try setPlanned(batch)
  }

  package func markSubmitted(_ batch: BatchID, providerBatchID: String, at now: Timestamp) throws {
    let (state, known) = try knownState(of: batch)
    if state == .submitted && known == providerBatchID { return }
    try require(batch, in: [.planned, .creating], to: "confirmed as \(providerBatchID)")
    try setSubmitted(batch, providerBatchID: providerBatchID, at: now)
  }

  package func settle(_ batch: BatchID, at now: Timestamp) throws {
    let state = try knownState(of: batch).state
    if state == .settled || state == .abandoned { return }
    // Another replica may be about to give one of these back to the batch: it is waited for, and what it does is seen.
    _ = try runningBeside(batch)
    let count = try unsettled(batch).count
    guard count == 0 else {
      throw InvalidOperation("batch \(batch.rawValue) has \(count) rows without a result and cannot be settled")
    }
    try endRunning(in: batch, costUnknown: true, at: now)
    try setEnded(batch, as: .settled, at: now)
  }

  package func abandon(
    _ batch: BatchID, notBefore: Timestamp, limit: AttemptOutcome.Limit?, costUnknown: Bool, at now: Timestamp
  ) throws {
    let state = try knownState(of: batch).state
    if state == .settled || state == .abandoned { return }
    _ = try runningBeside(batch)
    if let limit {
      for id in try unsettled(batch) {
        try giveBack(id, from: batch, notBefore: notBefore, limit: limit, costUnknown: costUnknown, at: now)
      }
    } else {
      if costUnknown {
        for id in try unsettled(batch) { try insertLost(id, in: batch, .finish(nil), costUnknown: true, at: now) }
      }
      try releaseAll(batch, notBefore: notBefore)
    }
    try endRunning(in: batch, costUnknown: costUnknown, at: now)
    try setEnded(batch, as: .abandoned, at: now)
  }

  private func giveBack(
    _ id: Int64, from batch: BatchID, notBefore: Timestamp, limit: AttemptOutcome.Limit, costUnknown: Bool,
    at now: Timestamp
  ) throws {
    let verdict = AttemptOutcome.Verdict.requeue(notBefore: notBefore, limit)
    guard let row = try insertLost(id, in: batch, verdict, costUnknown: costUnknown, at: now) else { return }
    if isUsedUp(row, limit) {
      try finish(row, limit.failure, countingAttempts: 1, at: now)
    } else {
      try wait(id, as: .accepted, countingAttempts: 1, notBefore: notBefore)
    }
  }

  /// The attempt's result was not seen: one that comes late still brings its cost. Returns its row.
  @discardableResult
  private func insertLost(
    _ id: Int64, in batch: BatchID, _ verdict: AttemptOutcome.Verdict, costUnknown: Bool, at now: Timestamp
  ) throws -> StoredRow? {
    guard let row = try self.row(id) else { return nil }
    let outcome = AttemptOutcome(
      id: RequestID(id), attempt: row.currentAttempt, batch: batch, verdict: verdict, costUnknown: costUnknown)
    try insertAttempt(outcome, id: try makeAttemptID(), of: id, .lost, at: now)
    return row
  }
}
