import BatchCore
import Ledger
import LedgerRules
import Wire

/// Statements that end attempts and requests, and move replies through the outbox.
struct OutcomeStatements {
  private let finishCurrent: Statement
  private let finishRow: Statement
  private let selectFollowers: Statement
  private let insertAttempt: Statement
  private let selectEnd: Statement
  private let selectAnswering: Statement
  private let deleteAttempt: Statement
  private let updateLost: Statement
  private let insertReply: Statement
  private let deleteReply: Statement
  private let updateAgain: Statement
  private let updateWaiting: Statement
  private let parkClaim: Statement
  private let updateUndeliverable: Statement

  init(_ connection: OpaquePointer) throws {
    finishCurrent = try Statement(
      connection,
      """
      UPDATE request SET state = 5, attempts = attempts + 1, answer_id = ?1, completed_at = ?2, failure_code = ?3,
        failure_message = ?4
      WHERE id = ?5 AND state = ?6 AND attempt_no = ?7 AND (?8 IS NULL OR batch_id = ?8)
        AND (?3 IS NULL OR running_attempt IS NULL)
      """)
    finishRow = try Statement(
      connection,
      """
      UPDATE request SET state = 5, attempts = attempts + ?1, answer_id = ?2, completed_at = ?3, failure_code = ?4,
        failure_message = ?5
      WHERE id = ?6
      """)
    selectFollowers = try Statement(
      connection, "SELECT id FROM request INDEXED BY request_following WHERE leader_id = ? AND state = 4 ORDER BY id")
    insertAttempt = try Statement(
      connection,
      """
      INSERT INTO attempt(
        id, request_id, attempt, outcome, batch_id, input_tokens, cached_input_tokens, output_tokens, cost, basis,
        cost_unknown, ended_at, cache_write_tokens, list_cost, full_cost, route, held, status, provider_request_id, response
      ) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
      """)
    selectEnd = try Statement(
      connection, "SELECT id, outcome FROM attempt WHERE request_id = ? AND attempt = ? AND outcome <> 0")
    selectAnswering = try Statement(
      connection, "SELECT a.attempt FROM request r JOIN attempt a ON a.id = r.answer_id WHERE r.id = ?")
    deleteAttempt = try Statement(connection, "DELETE FROM attempt WHERE id = ?")
    updateLost = try Statement(
      connection,
      """
      UPDATE attempt SET outcome = \(AttemptEnd.superseded.rawValue), batch_id = ?, input_tokens = ?,
        cached_input_tokens = ?, output_tokens = ?, cost = ?, basis = ?, cost_unknown = ?, ended_at = ?, cache_write_tokens = ?,
        list_cost = ?, full_cost = ?, route = ifnull(?, route), held = NULL
      WHERE id = ?
      """)
    insertReply = try Statement(connection, "INSERT INTO outbox(seq, request_id, again) VALUES (?, ?, ?)")
    deleteReply = try Statement(connection, "DELETE FROM outbox WHERE seq = ?")
    updateAgain = try Statement(
      connection, "UPDATE request SET attempt_no = attempt_no + 1, attempts = attempts + 1 WHERE id = ?")
    updateWaiting = try Statement(
      connection,
      """
      UPDATE request SET state = ?1, attempts = attempts + ?2, not_before = ?3,
        running_attempt = iif(?1 = 0, NULL, running_attempt)
      WHERE id = ?4
      """)
    parkClaim = try Statement(
      connection,
      """
      UPDATE request SET state = 1, custody = 1, not_before = ?, body_bytes = ?, model_offset = ?, model_length = ?
      WHERE id = ? AND state = 2
      """)
    updateUndeliverable = try Statement(connection, "UPDATE request SET undeliverable = ? WHERE id = ?")
  }

  // MARK: Ends

  /// Ends the request if the attempt is the one it waits for: the common case, decided by one statement.
  func finishCurrent(
    _ outcome: AttemptOutcome, _ failure: Failure?, answer: Int64, at now: Timestamp
  ) throws -> Bool {
    let row = finishCurrent.start()
    row.bind(answer)
    row.bind(now)
    row.bind(failure?.code.rawValue)
    row.bind(failure?.message)
    row.bind(outcome.id.rawValue)
    row.bind(outcome.batch == nil ? RowState.claimed : .inBatch)
    row.bind(outcome.attempt)
    row.bind(outcome.batch?.rawValue)
    return try row.run() == 1
  }

  /// - Parameter answer: the attempt that ended it, if one did.
  func finish(
    _ id: Int64, _ failure: Failure?, countingAttempts count: Int, answer: Int64?, at now: Timestamp
  ) throws {
    let row = finishRow.start()
    row.bind(count)
    row.bind(answer)
    row.bind(now)
    row.bind(failure?.code.rawValue)
    row.bind(failure?.message)
    row.bind(id)
    try row.run()
  }

  /// Subscribers that wait for this row's outcome, oldest first.
  func followers(of leader: Int64) throws -> [Int64] {
    selectFollowers.start().bind(leader)
    var ids: [Int64] = []
    try selectFollowers.forEach { row in
      ids.append(row.integer(0))
      return true
    }
    return ids
  }

  // MARK: Attempts

  /// Appends an attempt; its response with one that is the request's outcome. Returns false where it is there already.
  ///
  /// - Parameter held: What it may have cost at most, if that is not known.
  func insertAttempt(
    _ outcome: AttemptOutcome, id: Int64, of request: Int64, _ end: AttemptEnd, at now: Timestamp, route: Int64?,
    held: Int64?
  ) throws -> Bool {
    let row = insertAttempt.start()
    row.bind(id)
    row.bind(request)
    row.bind(outcome.attempt)
    row.bind(end)
    bindCost(of: outcome, at: now, to: row)
    row.bind(route)
    row.bind(held)
    guard end == .final, let response = outcome.response else {
      for _ in 0..<3 { row.bindNull() }
      return try row.run() == 1
    }
    row.bind(response.statusCode)
    row.bind(response.requestID)
    return try response.body.withUnsafeBytes { body in
      row.bind(borrowed: body)
      return try row.run() == 1
    }
  }

  private func bindCost(of outcome: AttemptOutcome, at now: Timestamp, to row: Statement) {
    row.bind(outcome.batch?.rawValue)
    row.bind(outcome.usage?.inputTokens)
    row.bind(outcome.usage?.cachedInputTokens)
    row.bind(outcome.usage?.outputTokens)
    row.bind(outcome.cost?.value)
    row.bind(outcome.basis)
    row.bind(outcome.costUnknown)
    row.bind(now)
    row.bind(outcome.usage?.cacheWriteTokens)
    row.bind(outcome.listCost?.value)
    row.bind(outcome.fullCost?.value)
  }

  /// How an attempt ended that is not its request's outcome. Nil while it has not.
  func end(of attempt: Int, of request: Int64) throws -> (id: Int64, end: AttemptEnd)? {
    selectEnd.start().bind(request)
    selectEnd.bind(attempt)
    return try selectEnd.first { row in (row.integer(0), try row.value(1)) }
  }

  func answeringAttempt(of request: Int64) throws -> Int? {
    selectAnswering.start().bind(request)
    return try selectAnswering.first { $0.int(0) }
  }

  func removeAttempt(_ id: Int64) throws {
    deleteAttempt.start().bind(id)
    try deleteAttempt.run()
  }

  /// Fills in a lost attempt whose result was seen after all.
  func supersede(lost id: Int64, _ outcome: AttemptOutcome, at now: Timestamp, route: Int64?) throws {
    bindCost(of: outcome, at: now, to: updateLost.start())
    updateLost.bind(route)
    updateLost.bind(id)
    try updateLost.run()
  }

  // MARK: Waiting

  func again(_ id: Int64) throws {
    updateAgain.start().bind(id)
    try updateAgain.run()
  }

  func wait(_ id: Int64, as state: RowState, countingAttempts count: Int, notBefore: Timestamp) throws {
    let row = updateWaiting.start()
    row.bind(state)
    row.bind(count)
    row.bind(notBefore)
    row.bind(id)
    try row.run()
  }

  /// Returns false when the row is no claim.
  func park(_ id: Int64, _ body: RequestBody, notBefore: Timestamp) throws -> Bool {
    let row = parkClaim.start()
    row.bind(notBefore)
    row.bind(body.bytes.count)
    row.bind(body.modelRange.lowerBound)
    row.bind(body.modelRange.count)
    row.bind(id)
    return try row.run() == 1
  }

  // MARK: Replies

  /// - Parameter again: whether it was in the outbox before, and its dead letter with it.
  func insertReply(_ id: Int64, at place: Int64, again: Bool) throws {
    let row = insertReply.start()
    row.bind(place)
    row.bind(id)
    row.bind(again)
    try row.run()
  }

  func deleteReply(at place: Int64) throws {
    deleteReply.start().bind(place)
    try deleteReply.run()
  }

  func setUndeliverable(_ id: Int64, reason: String?) throws {
    updateUndeliverable.start().bind(reason)
    updateUndeliverable.bind(id)
    try updateUndeliverable.run()
  }
}
