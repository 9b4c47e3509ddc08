import BatchCore
import Ledger
import LedgerRules

/// Statements about rows that must not wait for a batch, and about what is paid for that.
struct RescueStatements {
  private let expediteRows: PreparedStatement
  private let sendTwiceRows: PreparedStatement
  private let returnRow: PreparedStatement
  private let takeRoute: PreparedStatement
  private let selectRunning: PreparedStatement
  private let endRunning: PreparedStatement
  private let updateCancelled: PreparedStatement
  private let updateRan: PreparedStatement
  private let addSpend: PreparedStatement
  private let selectSpend: PreparedStatement

  init(_ connection: PostgresConnection) {
    // In one order everywhere, so that two replicas don't wait for each other.
    expediteRows = connection.prepare(
      """
      WITH found AS MATERIALIZED (
        SELECT id FROM request WHERE id = ANY($2::bigint[]) AND state = 0 ORDER BY id FOR NO KEY UPDATE
      )
      UPDATE request r SET state = 1, call_class = 1, not_before = $1::bigint FROM found WHERE r.id = found.id
      RETURNING r.id
      """)
    sendTwiceRows = connection.prepare(
      """
      WITH found AS MATERIALIZED (
        SELECT id FROM request
        WHERE id = ANY($2::bigint[]) AND state = 3 AND batch_id = $3::bigint AND running_attempt IS NULL
        ORDER BY id FOR NO KEY UPDATE
      )
      UPDATE request r SET state = 1, call_class = 1, running_attempt = attempt_no, not_before = $1::bigint
      FROM found WHERE r.id = found.id RETURNING r.id
      """)
    returnRow = connection.prepare(
      "UPDATE request SET state = 3, owner = NULL, attempts = attempts + $1::bigint WHERE id = $2::bigint")
    takeRoute = connection.prepare(
      """
      UPDATE request SET route = t.id FROM batch b JOIN route t ON t.provider = b.provider AND t.model = b.model
      WHERE request.id = $1::bigint AND b.id = $2::bigint
      """)
    selectRunning = connection.prepare(
      """
      SELECT id, running_attempt, state = 5 FROM request
      WHERE batch_id = $1::bigint AND running_attempt IS NOT NULL AND state <> 3 ORDER BY id FOR NO KEY UPDATE
      """)
    endRunning = connection.prepare("UPDATE request SET running_attempt = NULL WHERE id = $1::bigint")
    updateCancelled = connection.prepare(
      "UPDATE batch SET cancelled_at = $1::bigint WHERE id = $2::bigint AND cancelled_at IS NULL")
    updateRan = connection.prepare(
      "UPDATE batch SET ran_at = $1::bigint WHERE id = $2::bigint AND ran_at IS NULL")
    addSpend = connection.prepare(
      """
      UPDATE batch SET double_spend = coalesce(double_spend, 0) + $1::bigint, double_spend_at = $2::bigint
      WHERE id = $3::bigint
      """)
    selectSpend = connection.prepare(Self.spendSQL)
  }

  static let spendSQL = """
    SELECT coalesce(sum(double_spend), 0)::bigint FROM batch
    WHERE double_spend_at IS NOT NULL AND double_spend_at >= $1::bigint
    """

  func expedite(_ ids: [Int64], notBefore: Timestamp) throws -> Int {
    expediteRows.start().bind(notBefore.milliseconds)
    expediteRows.bind(array: ids)
    return try expediteRows.all { try $0.integer(0) }.count
  }

  func sendTwice(_ ids: [Int64], of batch: BatchID, notBefore: Timestamp) throws -> [Int64] {
    sendTwiceRows.start().bind(notBefore.milliseconds)
    sendTwiceRows.bind(array: ids)
    sendTwiceRows.bind(batch.rawValue)
    return try sendTwiceRows.all { try $0.integer(0) }
  }

  func returnToBatch(_ id: Int64, countingAttempts count: Int) throws {
    returnRow.start().bind(Int64(count))
    returnRow.bind(id)
    try returnRow.run()
  }

  func takeRoute(of batch: BatchID, for id: Int64) throws {
    takeRoute.start().bind(id)
    takeRoute.bind(batch.rawValue)
    try takeRoute.run()
  }

  func runningBeside(_ batch: BatchID) throws -> [(id: Int64, attempt: Int, isOver: Bool)] {
    selectRunning.start().bind(batch.rawValue)
    return try selectRunning.all { (id: try $0.integer(0), attempt: try $0.int(1), isOver: try $0.bool(2)) }
  }

  func endRunning(_ id: Int64) throws {
    endRunning.start().bind(id)
    try endRunning.run()
  }

  func setCancelled(_ batch: BatchID, at now: Timestamp) throws {
    updateCancelled.start().bind(now.milliseconds)
    updateCancelled.bind(batch.rawValue)
    try updateCancelled.run()
  }

  func setRan(_ batch: BatchID, at now: Timestamp) throws {
    updateRan.start().bind(now.milliseconds)
    updateRan.bind(batch.rawValue)
    try updateRan.run()
  }

  func addDoubleSpend(_ spend: PicoUSD, of batch: BatchID, at now: Timestamp) throws {
    addSpend.start().bind(spend.value)
    addSpend.bind(now.milliseconds)
    addSpend.bind(batch.rawValue)
    try addSpend.run()
  }

  func doubleSpend(since: Timestamp) throws -> PicoUSD {
    selectSpend.start().bind(since.milliseconds)
    return PicoUSD(try selectSpend.first { try $0.integer(0) } ?? 0)
  }
}
