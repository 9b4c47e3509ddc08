package import BatchCore
package import Ledger
import Wire

/// The three steps of a batch after its intent, and its end.
extension LedgerTables {
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
    guard try unsettled(batch, limit: 1).isEmpty else {
      throw InvalidOperation("batch \(batch.rawValue) has rows without a result and cannot be settled")
    }
    try endRunning(in: batch, costUnknown: true, at: now)
    try setEnded(batch, as: .settled, at: now)
  }

  /// Takes a step of it. Returns whether it was the last: until then the batch is what it was, with fewer rows.
  package func abandon(
    _ batch: BatchID, notBefore: Timestamp, limit: AttemptOutcome.Limit?, costUnknown: Bool, at now: Timestamp
  ) throws -> Bool {
    let state = try knownState(of: batch).state
    if state == .settled || state == .abandoned { return true }
    _ = try runningBeside(batch)
    let rows = try unsettled(batch, limit: BatchStep.rows)
    if let limit {
      for id in rows {
        try giveBack(id, from: batch, notBefore: notBefore, limit: limit, costUnknown: costUnknown, at: now)
      }
    } else {
      if costUnknown {
        for id in rows { try insertLost(id, in: batch, .finish(nil), costUnknown: true, at: now) }
      }
      try release(rows, notBefore: notBefore)
    }
    guard rows.count < BatchStep.rows else { return false }
    try endRunning(in: batch, costUnknown: costUnknown, at: now)
    try setEnded(batch, as: .abandoned, at: now)
    return true
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
