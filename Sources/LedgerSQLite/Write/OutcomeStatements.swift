import BatchCore
import Ledger
import Wire

/// Statements that end attempts and requests, and move replies through the outbox.
struct OutcomeStatements {
  private let finishCurrent: Statement
  private let finishRow: Statement
  private let selectFollowers: Statement
  private let insertResult: Statement
  private let insertAttempt: Statement
  private let upsertSuperseded: Statement
  private let updateReady: Statement
  private let updateAgain: Statement
  private let updateWaiting: Statement
  private let parkClaim: Statement
  private let claimParked: Statement
  private let updateDelivered: Statement
  private let updateUndeliverable: Statement

  init(_ connection: OpaquePointer) throws {
    finishCurrent = try Statement(
      connection,
      """
      UPDATE request SET state = 5, attempts = attempts + 1, outbox_seq = ?1, completed_at = ?2, failure_code = ?3,
        failure_message = ?4
      WHERE id = ?5 AND state = ?6 AND attempt_no = ?7 AND (?8 IS NULL OR batch_id = ?8)
      """)
    finishRow = try Statement(
      connection,
      """
      UPDATE request SET state = 5, attempts = attempts + ?1, outbox_seq = ?2, completed_at = ?3, failure_code = ?4,
        failure_message = ?5
      WHERE id = ?6
      """)
    selectFollowers = try Statement(
      connection, "SELECT id FROM request INDEXED BY request_following WHERE leader_id = ? AND state = 4 ORDER BY id")
    insertResult = try Statement(
      connection,
      """
      INSERT INTO result(request_id, status, provider_request_id, body) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING
      """)
    let attemptColumns = """
      attempt(
        request_id, attempt, outcome, batch_id, input_tokens, cached_input_tokens, output_tokens, cost, basis,
        cost_unknown, ended_at
      ) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      """
    insertAttempt = try Statement(connection, "INSERT INTO \(attemptColumns) ON CONFLICT DO NOTHING")
    upsertSuperseded = try Statement(
      connection,
      """
      INSERT INTO \(attemptColumns)
      ON CONFLICT DO UPDATE SET outcome = excluded.outcome, batch_id = excluded.batch_id,
        input_tokens = excluded.input_tokens, cached_input_tokens = excluded.cached_input_tokens,
        output_tokens = excluded.output_tokens, cost = excluded.cost, basis = excluded.basis,
        cost_unknown = excluded.cost_unknown, ended_at = excluded.ended_at
      WHERE outcome = \(AttemptEnd.lost.rawValue)
      """)
    updateReady = try Statement(
      connection, "UPDATE request SET outbox_seq = ?, undeliverable = NULL WHERE id = ? AND state = 5")
    updateAgain = try Statement(
      connection, "UPDATE request SET attempt_no = attempt_no + 1, attempts = attempts + 1 WHERE id = ?")
    updateWaiting = try Statement(
      connection, "UPDATE request SET state = ?, attempts = attempts + ?, not_before = ? WHERE id = ?")
    parkClaim = try Statement(
      connection,
      """
      UPDATE request SET state = 1, custody = 1, not_before = ?, body_bytes = ?, model_offset = ?, model_length = ?
      WHERE id = ? AND state = 2
      """)
    claimParked = try Statement(
      connection, "UPDATE request SET state = 2, epoch = ?, attempt_no = attempt_no + 1 WHERE id = ? AND state = 1")
    updateDelivered = try Statement(
      connection, "UPDATE request SET outbox_seq = NULL, delivered_at = ? WHERE id = ? AND outbox_seq <= ?")
    updateUndeliverable = try Statement(
      connection, "UPDATE request SET outbox_seq = NULL, undeliverable = ? WHERE id = ? AND outbox_seq <= ?")
  }

  // MARK: Ends

  /// Ends the request if the attempt is the one it waits for: the common case, decided by one statement.
  func finishCurrent(_ outcome: AttemptOutcome, _ failure: Failure?, sequence: Int64, at now: Timestamp) throws -> Bool {
    let row = finishCurrent.start()
    row.bind(sequence)
    row.bind(now)
    row.bind(failure?.code.rawValue)
    row.bind(failure?.message)
    row.bind(outcome.id.rawValue)
    row.bind(outcome.batch == nil ? RowState.claimed : .inBatch)
    row.bind(outcome.attempt)
    row.bind(outcome.batch?.rawValue)
    return try row.run() == 1
  }

  func finish(_ id: Int64, _ failure: Failure?, countingAttempts count: Int, sequence: Int64, at now: Timestamp) throws {
    let row = finishRow.start()
    row.bind(count)
    row.bind(sequence)
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

  func insertResult(_ response: ProviderResponse, of id: Int64) throws {
    let row = insertResult.start()
    row.bind(id)
    row.bind(response.statusCode)
    row.bind(response.requestID)
    try response.body.withUnsafeBytes { body in
      row.bind(borrowed: body)
      try row.run()
    }
  }

  // MARK: Attempts

  func insertAttempt(_ outcome: AttemptOutcome, of id: Int64, _ end: AttemptEnd, at now: Timestamp) throws {
    try bind(outcome, of: id, end, at: now, to: insertAttempt).run()
  }

  /// Returns false when the end of this attempt is known already.
  func insertSuperseded(_ outcome: AttemptOutcome, of id: Int64, at now: Timestamp) throws -> Bool {
    try bind(outcome, of: id, .superseded, at: now, to: upsertSuperseded).run() == 1
  }

  private func bind(
    _ outcome: AttemptOutcome, of id: Int64, _ end: AttemptEnd, at now: Timestamp, to row: Statement
  ) -> Statement {
    row.start().bind(id)
    row.bind(outcome.attempt)
    row.bind(end)
    row.bind(outcome.batch?.rawValue)
    row.bind(outcome.usage?.inputTokens)
    row.bind(outcome.usage?.cachedInputTokens)
    row.bind(outcome.usage?.outputTokens)
    row.bind(outcome.cost?.value)
    row.bind(outcome.basis)
    row.bind(outcome.costUnknown)
    row.bind(now)
    return row
  }

  /// An attempt whose process died: it may have been paid.
  func insertLost(_ row: StoredRow, at now: Timestamp) throws {
    let outcome = AttemptOutcome(
      id: RequestID(row.id), attempt: row.attemptNumber, batch: nil, verdict: .finish(nil), costUnknown: true)
    try insertAttempt(outcome, of: row.id, .lost, at: now)
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

  func claimParked(_ id: Int64, epoch: Int64) throws {
    claimParked.start().bind(epoch)
    claimParked.bind(id)
    try claimParked.run()
  }

  // MARK: Replies

  /// Puts a finished row's reply at the end of the outbox, where it may be already.
  func ready(_ id: Int64, sequence: Int64) throws {
    updateReady.start().bind(sequence)
    updateReady.bind(id)
    try updateReady.run()
  }

  /// - Parameter sequence: the place that the reply was taken from. If it was put in again since, it stays.
  func delivered(_ id: Int64, upTo sequence: Int64, at now: Timestamp) throws {
    updateDelivered.start().bind(now)
    updateDelivered.bind(id)
    updateDelivered.bind(sequence)
    try updateDelivered.run()
  }

  func undeliverable(_ id: Int64, upTo sequence: Int64, reason: String) throws {
    updateUndeliverable.start().bind(reason)
    updateUndeliverable.bind(id)
    updateUndeliverable.bind(sequence)
    try updateUndeliverable.run()
  }
}
