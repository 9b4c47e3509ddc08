import BatchCore
import Ledger

/// Reads what is due, how long batches took, and what was paid twice.
final class DeadlineReader: ReadSession {
  let snapshot: Snapshot
  private let selectDue: Statement
  private let selectRuns: Statement
  private let selectSpend: Statement
  private let selectOutcome: Statement

  init(_ connection: OpaquePointer) throws {
    snapshot = try Snapshot(connection)
    selectDue = try Statement(
      connection,
      """
      SELECT min(deadline), max(deadline), count(*), sum(tokens) FROM (
        SELECT r.deadline, r.tokens FROM route t CROSS JOIN request r INDEXED BY request_due ON r.route = t.id
        WHERE t.provider = ? AND t.model = ? AND r.state <= 3 AND r.deadline IS NOT NULL AND r.deadline > ?
        ORDER BY r.deadline LIMIT ?
      ) GROUP BY deadline / 1000 ORDER BY 1
      """)
    selectRuns = try Statement(
      connection,
      """
      SELECT model, submitted_at, cancelled_at, iif(state = 2, NULL, ended_at) FROM (
        SELECT * FROM batch INDEXED BY batch_submitted
        WHERE account = ? AND submitted_at > 0 ORDER BY submitted_at DESC LIMIT ?
      ) WHERE state = 2 OR (ended_at IS NOT NULL AND ran_at IS NOT NULL)
      """)
    selectSpend = try Statement(connection, RescueStatements.spendSQL)
    selectOutcome = try Statement(connection, "SELECT state = 5 FROM request WHERE id = ?")
  }

  func due(_ route: Route, after: Timestamp, limit: Int) throws -> [DueRows] {
    selectDue.start().bind(route.provider)
    selectDue.bind(route.model)
    selectDue.bind(after)
    selectDue.bind(limit)
    return try selectDue.all { row in
      DueRows(earliest: row.timestamp(0), latest: row.timestamp(1), count: row.int(2), tokens: row.integer(3))
    }
  }

  func runs(account: String, limit: Int, at now: Timestamp) throws -> [ModelRun] {
    selectRuns.start().bind(account)
    selectRuns.bind(limit)
    return try selectRuns.all { row in
      let ended = row.optionalTimestamp(3)
      return ModelRun(
        model: row.text(0),
        run: BatchRun(
          submittedAt: row.timestamp(1), cancelledAt: row.optionalTimestamp(2), endedAt: ended ?? now,
          isOver: ended != nil))
    }
  }

  func doubleSpend(since: Timestamp) throws -> PicoUSD {
    selectSpend.start().bind(since)
    return PicoUSD(try selectSpend.first { $0.integer(0) } ?? 0)
  }

  /// A row that is not there any more had its outcome long ago.
  func hasOutcome(_ id: RequestID) throws -> Bool {
    selectOutcome.start().bind(id.rawValue)
    return try selectOutcome.first { $0.integer(0) != 0 } ?? true
  }
}
