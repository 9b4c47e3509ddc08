import BatchCore
import Ledger
import LedgerRules

/// Statements that give batches their place within the limits of their account, and keep what was learned of those.
struct PlaceStatements {
  let reader: PlaceReader
  private let selectAsking: Statement
  private let selectPlace: Statement
  private let updatePlace: Statement
  private let upsertFact: Statement
  private let deleteFact: Statement

  init(_ connection: OpaquePointer) throws {
    reader = try PlaceReader(connection)
    selectAsking = try Statement(
      connection,
      """
      SELECT 1 FROM batch INDEXED BY batch_open
      WHERE state <= 2 AND state = 0 AND enqueued_tokens IS NULL AND id < ? AND account = ? AND model = ? AND asked_at > ?
      LIMIT 1
      """)
    selectPlace = try Statement(connection, "SELECT enqueued_tokens FROM batch WHERE id = ?")
    updatePlace = try Statement(
      connection, "UPDATE batch SET enqueued_tokens = ?1, asked_at = iif(?1 IS NULL, ?2, NULL) WHERE id = ?3")
    upsertFact = try Statement(
      connection,
      """
      INSERT INTO learned(account, model, what, value, at) VALUES (?, ?, ?, ?, ?)
      ON CONFLICT (account, model, what) DO UPDATE SET value = excluded.value, at = excluded.at
      """)
    deleteFact = try Statement(connection, "DELETE FROM learned WHERE account = ? AND model = ? AND what = ?")
  }

  func isBehindAnother(_ batch: BatchID, account: String, model: String, since: Timestamp) throws -> Bool {
    selectAsking.start().bind(batch.rawValue)
    selectAsking.bind(account)
    selectAsking.bind(model)
    selectAsking.bind(since)
    return try selectAsking.first { _ in true } ?? false
  }

  func place(of batch: BatchID) throws -> Int64? {
    selectPlace.start().bind(batch.rawValue)
    return try selectPlace.first { $0.optionalInteger(0) } ?? nil
  }

  func setPlace(_ batch: BatchID, tokens: Int64?, at now: Timestamp) throws {
    updatePlace.start().bind(tokens)
    updatePlace.bind(now)
    updatePlace.bind(batch.rawValue)
    try updatePlace.run()
  }

  func setFact(_ what: String, _ value: Int64?, account: String, model: String, at now: Timestamp) throws {
    let statement = value == nil ? deleteFact : upsertFact
    statement.start().bind(account)
    statement.bind(model)
    statement.bind(what)
    if let value {
      statement.bind(value)
      statement.bind(now)
    }
    try statement.run()
  }
}
