package import BatchCore
package import Ledger

/// Ends of attempts. The attempt's row with its cost, the result and the replies are one transaction.
extension LedgerTables {
  package func record(_ outcome: AttemptOutcome, at now: Timestamp) throws -> RecordedOutcome {
    if case .finish(let failure) = outcome.verdict {
      guard failure != nil || outcome.response != nil else {
        throw InvalidOperation("request \(outcome.id.rawValue) was to succeed without a response")
      }
      let answer = try makeAttemptID()
      if try finishCurrent(outcome, failure, answer: answer, at: now) {
        try keep(outcome, as: answer, of: outcome.id.rawValue, at: now)
        try finishFollowers(of: outcome.id.rawValue, failure, outcome.urgency, at: now)
        return .finished
      }
    }
    guard let row = try self.leader(of: outcome.id.rawValue), row.kind == .leader else { return .unknown }
    guard outcome.attempt >= 1 && outcome.attempt <= row.attemptNumber else { return .unknown }
    let isCurrent =
      outcome.attempt == row.currentAttempt
      && (outcome.batch == nil ? row.state == .claimed : row.state == .inBatch)
      && (outcome.batch == nil || outcome.batch?.rawValue == row.batchID)
    if isCurrent { return try apply(outcome, to: row, at: now) }
    if outcome.verdict == .finish(nil), try mayEndLate(row, outcome) { return try endLate(outcome, row, at: now) }
    let isNew = try supersede(outcome, row, at: now)
    // Nothing of it runs any more: what is sent besides is its only hope.
    if outcome.attempt == row.runningAttempt, row.state != .finished { try endRunning(row.id) }
    return isNew ? .superseded : .duplicate
  }

  /// Whether a request may be ended by an attempt that it does not wait for. One that is written into the file of a new
  /// batch may not: that has been counted with it.
  private func mayEndLate(_ row: StoredRow, _ outcome: AttemptOutcome) throws -> Bool {
    let isOlder = outcome.attempt < row.currentAttempt
    switch row.state {
    case .accepted, .parked: return true
    case .claimed: return isOlder
    case .inBatch:
      guard isOlder, let batch = row.batchID else { return false }
      return try state(of: BatchID(batch))?.state == .submitted
    case .following, .finished, .held: return false
    }
  }

  /// The first success of several attempts is the outcome, whichever is waited for.
  private func endLate(_ outcome: AttemptOutcome, _ row: StoredRow, at now: Timestamp) throws -> RecordedOutcome {
    let known = try end(of: outcome.attempt, of: row.id)
    if let known, known.end != .lost { return .duplicate }
    // The reply names who has answered.
    if let batch = outcome.batch { try takeRoute(of: batch, for: row.id) }
    guard let known else { return try end(outcome, row, nil, at: now) }
    // It has been counted.
    try removeAttempt(known.id)
    return try end(outcome, row, nil, countingAttempts: 0, at: now)
  }

  /// It may have been called another way, on which there need be no batches.
  private func returnToBatch(_ row: StoredRow, countingAttempts count: Int) throws {
    if let batch = row.batchID { try takeRoute(of: BatchID(batch), for: row.id) }
    try returnToBatch(row.id, countingAttempts: count)
  }

  private func apply(_ outcome: AttemptOutcome, to row: StoredRow, at now: Timestamp) throws -> RecordedOutcome {
    if row.state == .claimed, row.runningAttempt != nil, isFailure(outcome, row) {
      try returnToBatch(row, countingAttempts: 1)
      try insertAttempt(outcome, id: try makeAttemptID(), of: row.id, .retried, at: now)
      return .applied
    }
    switch outcome.verdict {
    case .finish(let failure):
      return try end(outcome, row, failure, at: now)
    case .again(let limit):
      if isUsedUp(row, limit) { return try end(outcome, row, limit.failure, at: now) }
      guard row.state == .claimed else {
        throw InvalidOperation("request \(row.id) is in a batch and cannot be called again")
      }
      try again(row.id)
    case .requeue(let notBefore, let limit):
      if isUsedUp(row, limit) { return try end(outcome, row, limit?.failure, at: now) }
      try wait(row, as: .accepted, counts: limit != nil, notBefore: notBefore)
    case .park(let notBefore, let limit):
      if isUsedUp(row, limit) { return try end(outcome, row, limit?.failure, at: now) }
      try wait(row, as: .parked, counts: limit != nil, notBefore: notBefore)
    }
    try insertAttempt(outcome, id: try makeAttemptID(), of: row.id, .retried, at: now)
    return .applied
  }

  /// Whether the request would fail with this.
  private func isFailure(_ outcome: AttemptOutcome, _ row: StoredRow) -> Bool {
    switch outcome.verdict {
    case .finish(let failure): failure != nil
    case .again(let limit): isUsedUp(row, limit)
    case .requeue(_, let limit), .park(_, let limit): isUsedUp(row, limit)
    }
  }

  /// Whether the attempt that ends now was the last.
  func isUsedUp(_ row: StoredRow, _ limit: AttemptOutcome.Limit?) -> Bool {
    guard let limit else { return false }
    return row.attempts + 1 >= limit.maximumAttempts
  }

  private func wait(_ row: StoredRow, as state: RowState, counts: Bool, notBefore: Timestamp) throws {
    guard row.custody == .ledger else {
      throw InvalidOperation("request \(row.id) is in the broker's custody; park it with its body first")
    }
    try wait(row.id, as: state, countingAttempts: counts ? 1 : 0, notBefore: notBefore)
  }

  private func end(
    _ outcome: AttemptOutcome, _ row: StoredRow, _ failure: Failure?, countingAttempts count: Int = 1,
    at now: Timestamp
  ) throws -> RecordedOutcome {
    let answer = try makeAttemptID()
    try finish(row.id, failure, countingAttempts: count, answer: answer, at: now)
    try keep(outcome, as: answer, of: row.id, at: now)
    try finishFollowers(of: row.id, failure, outcome.urgency, at: now)
    return .finished
  }

  /// What the end of a request leaves: the attempt with the answer, and the reply.
  package func keep(_ outcome: AttemptOutcome, as answer: Int64, of id: Int64, at now: Timestamp) throws {
    try insertAttempt(outcome, id: answer, of: id, .final, at: now)
    if let body = outcome.body { try store(body, of: id) }
    try ready(id, outcome.urgency)
  }

  /// Keeps the cost of an attempt that its request did not wait for. Returns false when its end is known already.
  private func supersede(_ outcome: AttemptOutcome, _ row: StoredRow, at now: Timestamp) throws -> Bool {
    if row.state == .finished, row.hasAnswer, try answeringAttempt(of: row.id) == outcome.attempt { return false }
    if let known = try end(of: outcome.attempt, of: row.id) {
      guard known.end == .lost else { return false }
      try supersede(lost: known.id, outcome, at: now)
    } else {
      try insertAttempt(outcome, id: try makeAttemptID(), of: row.id, .superseded, at: now)
    }
    return true
  }

  /// An attempt whose process died: it may have been paid.
  func insertLost(_ row: StoredRow, at now: Timestamp) throws {
    let outcome = AttemptOutcome(
      id: RequestID(row.id), attempt: row.attemptNumber, batch: nil, verdict: .finish(nil), costUnknown: true)
    try insertAttempt(outcome, id: try makeAttemptID(), of: row.id, .lost, at: now)
  }

  /// Ends a row without a result, and those that follow it.
  func finish(_ row: StoredRow, _ failure: Failure, countingAttempts count: Int = 0, at now: Timestamp) throws {
    try finish(row.id, failure, countingAttempts: count, answer: nil, at: now)
    try ready(row.id, row.urgency)
    try finishFollowers(of: row.id, failure, row.urgency, at: now)
  }

  private func finishFollowers(
    of leader: Int64, _ failure: Failure?, _ urgency: ReplyUrgency, at now: Timestamp
  ) throws {
    for follower in try followers(of: leader) {
      try finish(follower, failure, countingAttempts: 0, answer: nil, at: now)
      try ready(follower, urgency)
    }
  }

  /// Ends requests that were not sent.
  package func fail(_ id: RequestID, _ failure: Failure, _ body: RequestBody?, at now: Timestamp) throws {
    guard let row = try self.leader(of: id.rawValue) else { return }
    switch row.state {
    case .accepted, .parked, .claimed, .held: break
    case .inBatch, .following, .finished: return
    }
    // What was sent in a batch is answered when that is over.
    if row.runningAttempt != nil { return try returnToBatch(row, countingAttempts: 0) }
    if let body { try store(body, of: row.id) }
    if row.state == .held { try dropHold(row.id) }
    try finish(row, failure, at: now)
  }

  /// Returns whether the row was ended: a call that others wait for goes on.
  package func cancel(_ id: RequestID, at now: Timestamp) throws -> Bool {
    guard let row = try self.row(id.rawValue) else { return false }
    let failure = Failure(.cancelled, "cancelled before it was sent")
    switch row.state {
    case .accepted, .parked:
      if row.runningAttempt != nil { return false }
      guard try followers(of: row.id).isEmpty else { return false }
    case .following: break
    case .held:
      guard try followers(of: row.id).isEmpty else { return false }
      try dropHold(row.id)
    case .claimed, .inBatch, .finished: return false
    }
    try finish(row.id, failure, countingAttempts: 0, answer: nil, at: now)
    try ready(row.id, row.urgency)
    return true
  }

  /// Moves a claim into the ledger's custody. A row that is no claim any more stays as it is.
  package func park(_ id: RequestID, _ body: RequestBody, notBefore: Timestamp) throws {
    guard let row = try self.leader(of: id.rawValue) else { return }
    guard try park(row.id, body, notBefore: notBefore) else { return }
    try store(body, of: row.id)
  }
}
