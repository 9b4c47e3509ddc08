import BatchCore
import Ledger
import LedgerRules
import Wire

/// Statements that end attempts and requests.
struct OutcomeStatements {
  private let finishCurrent: PreparedStatement
  private let finishRow: PreparedStatement
  private let selectFollowers: PreparedStatement
  private let insertAttempts: PreparedStatement
  private let selectEnd: PreparedStatement
  private let selectAnswering: PreparedStatement
  private let deleteAttempt: PreparedStatement
  private let updateLost: PreparedStatement
  private let insertReplies: PreparedStatement
  private let deleteReplies: PreparedStatement
  private let updateAgain: PreparedStatement
  private let updateWaiting: PreparedStatement
  private let parkClaim: PreparedStatement
  private let updateUndeliverable: PreparedStatement

  init(_ connection: PostgresConnection) throws {
    finishCurrent = connection.prepare(
      """
      UPDATE request r SET state = 5, attempts = attempts + 1, answer_id = n.answer, completed_at = $1::bigint,
        failure_code = n.code, failure_message = n.message
      FROM unnest($2::bigint[], $3::bigint[], $4::smallint[], $5::bigint[], $6::bigint[], $7::text[], $8::text[])
        AS n(id, answer, state, attempt, batch, code, message)
      WHERE r.id = n.id AND r.state = n.state AND r.attempt_no = n.attempt AND (n.batch IS NULL OR r.batch_id = n.batch)
        AND (n.code IS NULL OR r.running_attempt IS NULL)
      RETURNING r.id
      """)
    finishRow = connection.prepare(
      """
      UPDATE request SET state = 5, attempts = attempts + $1::bigint, answer_id = $2::bigint, completed_at = $3::bigint,
        failure_code = $4::text, failure_message = $5::text
      WHERE id = $6::bigint
      """)
    selectFollowers = connection.prepare(
      """
      SELECT leader_id, id FROM request WHERE leader_id = ANY($1::bigint[]) AND state = 4 ORDER BY leader_id, id
      FOR NO KEY UPDATE
      """)
    insertAttempts = connection.prepare(
      """
      INSERT INTO attempt(
        id, request_id, attempt, outcome, batch_id, input_tokens, cached_input_tokens, output_tokens, cost, basis,
        cost_unknown, ended_at, status, provider_request_id, response, cache_write_tokens, list_cost, full_cost, route, held
      ) SELECT n.id, n.request_id, n.attempt, n.outcome, n.batch_id, n.input_tokens, n.cached_input_tokens,
        n.output_tokens, n.cost, n.basis, n.cost_unknown, n.ended_at, n.status, n.provider_request_id, n.response,
        n.cache_write_tokens, n.list_cost, n.full_cost, coalesce(n.route, r.route),
        CASE WHEN NOT n.cost_unknown THEN NULL WHEN n.batch_id IS NULL THEN r.call_ceiling
          ELSE coalesce(r.batch_ceiling, r.call_ceiling) END
      FROM unnest(
        $1::bigint[], $2::bigint[], $3::bigint[], $4::smallint[], $5::bigint[], $6::bigint[], $7::bigint[],
        $8::bigint[], $9::bigint[], $10::smallint[], $11::boolean[], $12::bigint[], $13::bigint[], $14::text[],
        $15::bytea[], $16::bigint[], $17::bigint[], $18::bigint[], $19::integer[]
      ) AS n(
        id, request_id, attempt, outcome, batch_id, input_tokens, cached_input_tokens, output_tokens, cost, basis,
        cost_unknown, ended_at, status, provider_request_id, response, cache_write_tokens, list_cost, full_cost, route
      ) LEFT JOIN request r ON r.id = n.request_id
      ON CONFLICT DO NOTHING RETURNING id
      """)
    selectEnd = connection.prepare(
      "SELECT id, outcome FROM attempt WHERE request_id = $1::bigint AND attempt = $2::bigint AND outcome <> 0")
    selectAnswering = connection.prepare(
      "SELECT a.attempt FROM request r JOIN attempt a ON a.id = r.answer_id WHERE r.id = $1::bigint")
    deleteAttempt = connection.prepare("DELETE FROM attempt WHERE id = $1::bigint")
    updateLost = connection.prepare(
      """
      UPDATE attempt SET outcome = \(AttemptEnd.superseded.rawValue), batch_id = $1::bigint, input_tokens = $2::bigint,
        cached_input_tokens = $3::bigint, output_tokens = $4::bigint, cost = $5::bigint, basis = $6::smallint,
        cost_unknown = $7::boolean, ended_at = $8::bigint, cache_write_tokens = $9::bigint, list_cost = $10::bigint,
        full_cost = $11::bigint, route = coalesce($12::integer, route), held = NULL
      WHERE id = $13::bigint
      """)
    insertReplies = connection.prepare(
      """
      INSERT INTO outbox(owner, seq, request_id, again)
      SELECT $1::bigint, * FROM unnest($2::bigint[], $3::bigint[], $4::boolean[])
      """)
    deleteReplies = connection.prepare("DELETE FROM outbox WHERE owner = $1::bigint AND seq = ANY($2::bigint[])")
    updateAgain = connection.prepare(
      "UPDATE request SET attempt_no = attempt_no + 1, attempts = attempts + 1 WHERE id = $1::bigint")
    updateWaiting = connection.prepare(
      """
      UPDATE request SET state = $1::smallint, owner = NULL, attempts = attempts + $2::bigint, not_before = $3::bigint,
        running_attempt = CASE WHEN $1::smallint = 0 THEN NULL ELSE running_attempt END
      WHERE id = $4::bigint
      """)
    parkClaim = connection.prepare(
      """
      UPDATE request SET state = 1, custody = 1, owner = NULL, not_before = $1::bigint, body_bytes = $2::bigint,
        model_offset = $3::bigint, model_length = $4::bigint
      WHERE id = $5::bigint AND state = 2
      """)
    updateUndeliverable = connection.prepare("UPDATE request SET undeliverable = $1::text WHERE id = $2::bigint")
  }

  // MARK: Ends

  /// Ends those requests whose attempt is the one they wait for. No id may be named twice. Returns their ids.
  func finishCurrent(
    _ ends: [(outcome: AttemptOutcome, failure: Failure?, answer: Int64)], at now: Timestamp
  ) throws -> Set<Int64> {
    let row = finishCurrent.start()
    row.bind(now.milliseconds)
    row.bind(array: ends.map(\.outcome.id.rawValue))
    row.bind(array: ends.map(\.answer))
    row.bind(array: ends.map { Int16(($0.outcome.batch == nil ? RowState.claimed : .inBatch).rawValue) })
    row.bind(array: ends.map { Int64($0.outcome.attempt) })
    row.bind(array: ends.map { $0.outcome.batch?.rawValue })
    row.bind(array: ends.map { $0.failure?.code.rawValue })
    row.bind(array: ends.map { ($0.failure?.message).map(StoredText.init) })
    return Set(try row.all { try $0.integer(0) })
  }

  /// - Parameter answer: the attempt that ended it, if one did.
  func finish(
    _ id: Int64, _ failure: Failure?, countingAttempts count: Int, answer: Int64?, at now: Timestamp
  ) throws {
    let row = finishRow.start()
    row.bind(Int64(count))
    row.bind(answer)
    row.bind(now.milliseconds)
    row.bind(failure?.code.rawValue)
    row.bind((failure?.message).map(StoredText.init))
    row.bind(id)
    try row.run()
  }

  /// Subscribers that wait for the outcome of these rows, by row, oldest first.
  func followers(of leaders: [Int64]) throws -> [Int64: [Int64]] {
    selectFollowers.start().bind(array: leaders)
    var followers: [Int64: [Int64]] = [:]
    try selectFollowers.forEach { row in
      followers[try row.integer(0), default: []].append(try row.integer(1))
      return true
    }
    return followers
  }

  // MARK: Attempts

  /// Returns the ids of those that were not there yet.
  ///
  /// - Parameter routes: Where each was sent, if that is known.
  func insertAttempts(_ attempts: [PendingRows.Attempt], routes: [Int32?]) throws -> [Int64] {
    let row = insertAttempts.start()
    let outcomes = attempts.map(\.outcome)
    let responses = attempts.map { $0.end == .final ? $0.outcome.response : nil }
    row.bind(array: attempts.map(\.id))
    row.bind(array: attempts.map(\.request))
    row.bind(array: outcomes.map { Int64($0.attempt) })
    row.bind(array: attempts.map { Int16($0.end.rawValue) })
    row.bind(array: outcomes.map { $0.batch?.rawValue })
    row.bind(array: outcomes.map { $0.usage?.inputTokens })
    row.bind(array: outcomes.map { $0.usage?.cachedInputTokens })
    row.bind(array: outcomes.map { $0.usage?.outputTokens })
    row.bind(array: outcomes.map { $0.cost?.value })
    row.bind(array: outcomes.map { Int16($0.basis.rawValue) })
    row.bind(array: outcomes.map(\.costUnknown))
    row.bind(array: attempts.map(\.endedAt.milliseconds))
    row.bind(array: responses.map { $0.map { Int64($0.statusCode) } })
    row.bind(array: responses.map { ($0?.requestID).map(StoredText.init) })
    row.bind(array: responses.map { $0?.body })
    row.bind(array: outcomes.map { $0.usage?.cacheWriteTokens })
    row.bind(array: outcomes.map { $0.listCost?.value })
    row.bind(array: outcomes.map { $0.fullCost?.value })
    row.bind(array: routes)
    return try row.all { try $0.integer(0) }
  }

  /// How an attempt ended that is not its request's outcome. Nil while it has not.
  func end(of attempt: Int, of request: Int64) throws -> (id: Int64, end: AttemptEnd)? {
    selectEnd.start().bind(request)
    selectEnd.bind(Int64(attempt))
    return try selectEnd.first { row in (try row.integer(0), try row.value(1)) }
  }

  func answeringAttempt(of request: Int64) throws -> Int? {
    selectAnswering.start().bind(request)
    return try selectAnswering.first { try $0.int(0) }
  }

  func removeAttempt(_ id: Int64) throws {
    deleteAttempt.start().bind(id)
    try deleteAttempt.run()
  }

  /// Fills in a lost attempt whose result was seen after all.
  func supersede(lost id: Int64, _ outcome: AttemptOutcome, at now: Timestamp, route: Int32?) throws {
    let row = updateLost.start()
    row.bind(outcome.batch?.rawValue)
    row.bind(outcome.usage?.inputTokens)
    row.bind(outcome.usage?.cachedInputTokens)
    row.bind(outcome.usage?.outputTokens)
    row.bind(outcome.cost?.value)
    row.bind(Int16(outcome.basis.rawValue))
    row.bind(outcome.costUnknown)
    row.bind(now.milliseconds)
    row.bind(outcome.usage?.cacheWriteTokens)
    row.bind(outcome.listCost?.value)
    row.bind(outcome.fullCost?.value)
    row.bind(route)
    row.bind(id)
    try row.run()
  }

  // MARK: Waiting

  func again(_ id: Int64) throws {
    updateAgain.start().bind(id)
    try updateAgain.run()
  }

  func wait(_ id: Int64, as state: RowState, countingAttempts count: Int, notBefore: Timestamp) throws {
    let row = updateWaiting.start()
    row.bind(Int16(state.rawValue))
    row.bind(Int64(count))
    row.bind(notBefore.milliseconds)
    row.bind(id)
    try row.run()
  }

  /// Returns false when the row is no claim.
  func park(_ id: Int64, _ body: RequestBody, notBefore: Timestamp) throws -> Bool {
    let row = parkClaim.start()
    row.bind(notBefore.milliseconds)
    row.bind(Int64(body.bytes.count))
    row.bind(Int64(body.modelRange.lowerBound))
    row.bind(Int64(body.modelRange.count))
    row.bind(id)
    return try row.run() == 1
  }

  // MARK: Replies

  func insertReplies(_ replies: [(place: Int64, request: Int64, again: Bool)], owner: Int64) throws {
    let row = insertReplies.start()
    row.bind(owner)
    row.bind(array: replies.map(\.place))
    row.bind(array: replies.map(\.request))
    row.bind(array: replies.map(\.again))
    try row.run()
  }

  func deleteReplies(at places: [Int64], owner: Int64) throws {
    deleteReplies.start().bind(owner)
    deleteReplies.bind(array: places)
    try deleteReplies.run()
  }

  func setUndeliverable(_ id: Int64, reason: String?) throws {
    updateUndeliverable.start().bind(reason.map(StoredText.init))
    updateUndeliverable.bind(id)
    try updateUndeliverable.run()
  }
}
