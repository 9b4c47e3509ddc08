import BatchCore
import Ledger
import LedgerRules

/// Statements about rows that must not wait for a batch, and about what is paid for that.
struct RescueStatements {
  private let expediteRow: Statement
  private let sendTwiceRow: Statement
  private let returnRow: Statement
  private let takeRoute: Statement
  private let selectRunning: Statement
  private let endRunning: Statement
  private let updateCancelled: Statement
  private let updateRan: Statement
  private let addSpend: Statement
  private let selectSpend: Statement

  init(_ connection: OpaquePointer) throws {
    expediteRow = try Statement(
      connection, "UPDATE request SET state = 1, call_class = 1, not_before = ? WHERE id = ? AND state = 0")
    sendTwiceRow = try Statement(
      connection,
      """
      UPDATE request SET state = 1, call_class = 1, running_attempt = attempt_no, not_before = ?
      WHERE id = ? AND state = 3 AND batch_id = ? AND running_attempt IS NULL
      """)
    returnRow = try Statement(connection, "UPDATE request SET state = 3, attempts = attempts + ? WHERE id = ?")
    takeRoute = try Statement(
      connection,
      """
      UPDATE request SET route = ifnull((
        SELECT t.id FROM batch b JOIN route t ON t.provider = b.provider AND t.model = b.model WHERE b.id = ?), route)
      WHERE id = ?
      """)
    selectRunning = try Statement(
      connection,
      """
      SELECT id, running_attempt, state = 5 FROM request INDEXED BY request_running
      WHERE batch_id = ? AND running_attempt IS NOT NULL AND state <> 3 ORDER BY id
      """)
    endRunning = try Statement(connection, "UPDATE request SET running_attempt = NULL WHERE id = ?")
    updateCancelled = try Statement(
      connection, "UPDATE batch SET cancelled_at = ? WHERE id = ? AND cancelled_at IS NULL")
    updateRan = try Statement(connection, "UPDATE batch SET ran_at = ? WHERE id = ? AND ran_at IS NULL")
    addSpend = try Statement(
      connection,
      "UPDATE batch SET double_spend = ifnull(double_spend, 0) + ?, double_spend_at = ? WHERE id = ?")
    selectSpend = try Statement(connection, Self.spendSQL)
  }

  static let spendSQL = """
    SELECT ifnull(sum(double_spend), 0) FROM batch INDEXED BY batch_double_spend
    WHERE double_spend_at IS NOT NULL AND double_spend_at >= ?
    """

  func expedite(_ ids: [Int64], notBefore: Timestamp) throws -> Int {
    var count = 0
    for id in ids {
      expediteRow.start().bind(notBefore)
      expediteRow.bind(id)
      count += try expediteRow.run()
    }
    return count
  }

  func sendTwice(_ ids: [Int64], of batch: BatchID, notBefore: Timestamp) throws -> [Int64] {
    try ids.filter { id in
      sendTwiceRow.start().bind(notBefore)
      sendTwiceRow.bind(id)
      sendTwiceRow.bind(batch.rawValue)
      return try sendTwiceRow.run() == 1
    }
  }

  func returnToBatch(_ id: Int64, countingAttempts count: Int) throws {
    returnRow.start().bind(count)
    returnRow.bind(id)
    try returnRow.run()
  }

  func takeRoute(of batch: BatchID, for id: Int64) throws {
    takeRoute.start().bind(batch.rawValue)
    takeRoute.bind(id)
    try takeRoute.run()
  }

  func runningBeside(_ batch: BatchID) throws -> [(id: Int64, attempt: Int, isOver: Bool)] {
    selectRunning.start().bind(batch.rawValue)
    return try selectRunning.all { (id: $0.integer(0), attempt: $0.int(1), isOver: $0.integer(2) != 0) }
  }

  func endRunning(_ id: Int64) throws {
    endRunning.start().bind(id)
    try endRunning.run()
  }

  func setCancelled(_ batch: BatchID, at now: Timestamp) throws {
    updateCancelled.start().bind(now)
    updateCancelled.bind(batch.rawValue)
    try updateCancelled.run()
  }

  func setRan(_ batch: BatchID, at now: Timestamp) throws {
    updateRan.start().bind(now)
    updateRan.bind(batch.rawValue)
    try updateRan.run()
  }

  func addDoubleSpend(_ spend: PicoUSD, of batch: BatchID, at now: Timestamp) throws {
    addSpend.start().bind(spend.value)
    addSpend.bind(now)
    addSpend.bind(batch.rawValue)
    try addSpend.run()
  }

  func doubleSpend(since: Timestamp) throws -> PicoUSD {
    selectSpend.start().bind(since)
    return PicoUSD(try selectSpend.first { $0.integer(0) } ?? 0)
  }
}
