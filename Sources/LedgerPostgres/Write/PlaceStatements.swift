import BatchCore
import Ledger
import LedgerRules

/// Statements that give batches their place within the limits of their account, and keep what was learned of those.
struct PlaceStatements {
  let reader: PlaceReader
  private let lock: PreparedStatement
  private let selectAsking: PreparedStatement
  private let selectPlace: PreparedStatement
  private let updatePlace: PreparedStatement
  private let upsertFact: PreparedStatement
  private let deleteFact: PreparedStatement

  /// "MLRP"; one lock for all accounts, so that no two transactions take several in different orders.
  private static let lockNumber: Int64 = 0x4D4C_5250

  init(_ connection: PostgresConnection) {
    reader = PlaceReader(connection)
    lock = connection.prepare("SELECT pg_advisory_xact_lock(\(Self.lockNumber))")
    selectAsking = connection.prepare(
      """
      SELECT EXISTS (
        SELECT FROM batch WHERE state <= 2 AND state = 0 AND enqueued_tokens IS NULL AND id < $1::bigint
          AND account = $2::text AND model = $3::text AND asked_at > $4::bigint)
      """)
    selectPlace = connection.prepare("SELECT enqueued_tokens FROM batch WHERE id = $1::bigint")
    updatePlace = connection.prepare(
      """
      UPDATE batch SET enqueued_tokens = $1::bigint, asked_at = CASE WHEN $1::bigint IS NULL THEN $2::bigint END
      WHERE id = $3::bigint
      """)
    upsertFact = connection.prepare(
      """
      INSERT INTO learned(account, model, what, value, at) VALUES ($1::text, $2::text, $3::text, $4::bigint, $5::bigint)
      ON CONFLICT (account, model, what) DO UPDATE SET value = excluded.value, at = excluded.at
      """)
    deleteFact = connection.prepare(
      "DELETE FROM learned WHERE account = $1::text AND model = $2::text AND what = $3::text")
  }

  func lockPlaces() throws { try lock.start().run() }

  func isBehindAnother(_ batch: BatchID, account: String, model: String, since: Timestamp) throws -> Bool {
    selectAsking.start().bind(batch.rawValue)
    selectAsking.bind(account)
    selectAsking.bind(StoredText(model))
    selectAsking.bind(since.milliseconds)
    return try selectAsking.first { try $0.bool(0) } ?? false
  }

  func place(of batch: BatchID) throws -> Int64? {
    selectPlace.start().bind(batch.rawValue)
    return try selectPlace.first { try $0.optionalInteger(0) } ?? nil
  }

  func setPlace(_ batch: BatchID, tokens: Int64?, at now: Timestamp) throws {
    updatePlace.start().bind(tokens)
    updatePlace.bind(now.milliseconds)
    updatePlace.bind(batch.rawValue)
    try updatePlace.run()
  }

  func setFact(_ what: String, _ value: Int64?, account: String, model: String, at now: Timestamp) throws {
    let statement = value == nil ? deleteFact : upsertFact
    statement.start().bind(account)
    statement.bind(StoredText(model))
    statement.bind(what)
    if let value {
      statement.bind(value)
      statement.bind(now.milliseconds)
    }
    try statement.run()
  }
}
