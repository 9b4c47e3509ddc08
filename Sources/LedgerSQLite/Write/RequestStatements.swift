import BatchCore
import Ledger
import LedgerRules
import Wire

/// Statements on single rows that several operations share.
struct RequestStatements {
  private let select: Statement
  private let selectByOrdinal: Statement
  private let insertModel: Statement
  private let selectModel: Statement
  private let insertRoute: Statement
  private let selectRoute: Statement
  private let upsertBody: Statement
  private let updateRoute: Statement

  init(_ connection: OpaquePointer) throws {
    select = try Statement(connection, "SELECT \(StoredRow.columns) FROM request WHERE id = ?")
    selectByOrdinal = try Statement(
      connection, "SELECT \(StoredRow.columns) FROM request WHERE call_key = ? AND ordinal = ?")
    insertModel = try Statement(connection, "INSERT INTO model(name) VALUES (?) ON CONFLICT DO NOTHING")
    selectModel = try Statement(connection, "SELECT id FROM model WHERE name = ?")
    insertRoute = try Statement(
      connection, "INSERT INTO route(provider, model) VALUES (?, ?) ON CONFLICT DO NOTHING")
    selectRoute = try Statement(connection, "SELECT id FROM route WHERE provider = ? AND model = ?")
    updateRoute = try Statement(connection, "UPDATE request SET route = ? WHERE id = ? AND state <= 2")
    upsertBody = try Statement(
      connection,
      """
      INSERT INTO body(request_id, bytes) VALUES (?, ?) ON CONFLICT DO UPDATE SET bytes = excluded.bytes
      """)
  }

  func row(_ id: Int64) throws -> StoredRow? {
    select.start().bind(id)
    return try select.first(StoredRow.init)
  }

  func row(_ key: CallKey, ordinal: Int64) throws -> StoredRow? {
    selectByOrdinal.start().bind(key)
    selectByOrdinal.bind(ordinal)
    return try selectByOrdinal.first(StoredRow.init)
  }

  /// Changes how a row that waits or is claimed is sent.
  func setRoute(_ route: Int64, of id: Int64) throws {
    updateRoute.start().bind(route)
    updateRoute.bind(id)
    try updateRoute.run()
  }

  func idOfModel(_ name: String) throws -> Int64 {
    insertModel.start().bind(name)
    try insertModel.run()
    selectModel.start().bind(name)
    guard let id = try selectModel.first({ $0.integer(0) }) else { throw SQLiteFailure.damaged("a model's name") }
    return id
  }

  func idOfRoute(_ route: Route) throws -> Int64 {
    for statement in [insertRoute, selectRoute] {
      statement.start().bind(route.provider)
      statement.bind(route.model)
    }
    try insertRoute.run()
    guard let id = try selectRoute.first({ $0.integer(0) }) else { throw SQLiteFailure.damaged("a route") }
    return id
  }

  /// Keeps the body beside properties that may be there already.
  func store(_ body: RequestBody, of id: Int64) throws {
    upsertBody.start().bind(id)
    try body.bytes.withUnsafeBytes { bytes in
      upsertBody.bind(borrowed: bytes)
      try upsertBody.run()
    }
  }
}

extension StoredRow {
  static let columns = """
    id, ordinal, kind, state, custody, leader_id, epoch, attempt_no, attempts, batch_id, lane, ledger_id, body_hash, \
    correlation_id, reply_to, replay_nonce, failure_code, failure_message, answer_id, flags, running_attempt
    """

  init(_ row: Statement) throws {
    self.init(
      id: row.integer(0), ordinal: row.integer(1), kind: try row.value(2), state: try row.value(3),
      custody: try row.value(4), leaderID: row.optionalInteger(5), owner: row.optionalInteger(6),
      attemptNumber: row.int(7), attempts: row.int(8), batchID: row.optionalInteger(9),
      runningAttempt: row.optionalInteger(20).map { Int($0) },
      lane: row.isNull(10) ? nil : try row.value(10), ledgerID: try row.ledgerID(11), bodyHash: try row.digest(12),
      correlationID: row.optionalBytes(13), replyTo: row.optionalBytes(14), replayNonce: row.optionalText(15),
      failure: try Failure(row, code: 16, message: 17), hasAnswer: !row.isNull(18),
      flags: RowFlags(rawValue: row.integer(19)))
  }
}

extension Failure {
  /// Nil for a row without one.
  init?(_ row: Statement, code: CInt, message: CInt) throws {
    guard let text = row.optionalText(code) else { return nil }
    guard let code = FailureCode(rawValue: text) else { throw SQLiteFailure.damaged("a failure's code") }
    self.init(code, row.text(message))
  }
}
