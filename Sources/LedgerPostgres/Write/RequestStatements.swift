import BatchCore
import Ledger
import LedgerRules
import Wire

/// Statements on single rows that several operations share. A row that is read is locked.
struct RequestStatements {
  private let select: PreparedStatement
  private let selectByOrdinal: PreparedStatement
  private let insertModel: PreparedStatement
  private let selectModel: PreparedStatement
  private let insertRoute: PreparedStatement
  private let selectRoute: PreparedStatement
  private let upsertBody: PreparedStatement
  private let updateRoute: PreparedStatement

  init(_ connection: PostgresConnection) throws {
    select = connection.prepare("SELECT \(StoredRow.columns) FROM request WHERE id = $1::bigint FOR NO KEY UPDATE")
    selectByOrdinal = connection.prepare(
      """
      SELECT \(StoredRow.columns) FROM request WHERE call_key = $1::bytea AND ordinal = $2::bigint FOR NO KEY UPDATE
      """)
    insertModel = connection.prepare("INSERT INTO model(name) VALUES ($1::text) ON CONFLICT DO NOTHING")
    selectModel = connection.prepare("SELECT id FROM model WHERE name = $1::text")
    insertRoute = connection.prepare(
      "INSERT INTO route(provider, model) VALUES ($1::text, $2::text) ON CONFLICT DO NOTHING")
    selectRoute = connection.prepare("SELECT id FROM route WHERE provider = $1::text AND model = $2::text")
    // A row that another replica has claimed meanwhile goes its way.
    updateRoute = connection.prepare(
      """
      UPDATE request SET route = $1::integer
      WHERE id = ANY($2::bigint[]) AND (state <= 1 OR (state = 2 AND owner = $3::bigint))
      """)
    upsertBody = connection.prepare(
      """
      INSERT INTO body(request_id, bytes) VALUES ($1::bigint, $2::bytea)
      ON CONFLICT (request_id) DO UPDATE SET bytes = excluded.bytes
      """)
  }

  func row(_ id: Int64) throws -> StoredRow? {
    select.start().bind(id)
    return try select.first(StoredRow.init)
  }

  func row(_ key: CallKey, ordinal: Int64) throws -> StoredRow? {
    selectByOrdinal.start().bind(key.bytes)
    selectByOrdinal.bind(ordinal)
    return try selectByOrdinal.first(StoredRow.init)
  }

  /// Changes how rows that wait, or that the replica has claimed, are sent.
  func setRoute(_ route: Int64, of ids: [Int64], owner: Int64) throws {
    updateRoute.start().bind(Int32(clamping: route))
    updateRoute.bind(array: ids)
    updateRoute.bind(owner)
    try updateRoute.run()
  }

  func idOfModel(_ name: String) throws -> Int64 {
    // Most names are there, and an insert that does nothing takes a number all the same.
    if let id = try model(name) { return id }
    insertModel.start().bind(StoredText(name))
    try insertModel.run()
    guard let id = try model(name) else { throw DamagedTables("a model's name") }
    return id
  }

  private func model(_ name: String) throws -> Int64? {
    selectModel.start().bind(StoredText(name))
    return try selectModel.first { try $0.integer(0) }
  }

  func idOfRoute(_ route: Route) throws -> Int64 {
    if let id = try self.route(route) { return id }
    insertRoute.start().bind(route.provider)
    insertRoute.bind(StoredText(route.model))
    try insertRoute.run()
    guard let id = try self.route(route) else { throw DamagedTables("a route") }
    return id
  }

  private func route(_ route: Route) throws -> Int64? {
    selectRoute.start().bind(route.provider)
    selectRoute.bind(StoredText(route.model))
    return try selectRoute.first { try $0.integer(0) }
  }

  /// Keeps the body beside properties that may be there already.
  func store(_ body: RequestBody, of id: Int64) throws {
    upsertBody.start().bind(id)
    upsertBody.bind(body.bytes)
    try upsertBody.run()
  }
}

extension StoredRow {
  static let columns = """
    id, ordinal, kind, state, custody, leader_id, owner, attempt_no, attempts, batch_id, lane, ledger_id, body_hash, \
    correlation_id, reply_to, replay_nonce, failure_code, failure_message, answer_id, flags, running_attempt
    """

  init(_ row: PostgresRow) throws {
    self.init(
      id: try row.integer(0), ordinal: try row.integer(1), kind: try row.value(2), state: try row.value(3),
      custody: try row.value(4), leaderID: try row.optionalInteger(5), owner: try row.optionalInteger(6),
      attemptNumber: try row.int(7), attempts: try row.int(8), batchID: try row.optionalInteger(9),
      runningAttempt: try row.optionalInteger(20).map { Int($0) },
      lane: row.isNull(10) ? nil : try row.value(10), ledgerID: try row.ledgerID(11), bodyHash: try row.digest(12),
      correlationID: row.optionalBytes(13), replyTo: row.optionalBytes(14),
      replayNonce: try row.optionalText(15), failure: try Failure(row, code: 16, message: 17),
      hasAnswer: !row.isNull(18), flags: RowFlags(rawValue: try row.integer(19)))
  }
}

extension Failure {
  /// Nil for a row without one.
  init?(_ row: PostgresRow, code: CInt, message: CInt) throws {
    guard let text = try row.optionalText(code) else { return nil }
    guard let code = FailureCode(rawValue: text) else { throw DamagedTables("a failure's code") }
    self.init(code, try row.text(message))
  }
}
