import BatchCore
import Ledger

/// Reads what is due, how long batches took, and what was paid twice.
struct DeadlineReader {
  private let selectDue: PreparedStatement
  private let selectRuns: PreparedStatement
  private let selectSpend: PreparedStatement
  private let selectOutcome: PreparedStatement

  init(_ connection: PostgresConnection) {
    selectDue = connection.prepare(
      """
      SELECT min(deadline), max(deadline), count(*), sum(tokens)::bigint FROM (
        SELECT deadline, tokens FROM request
        WHERE route = (SELECT id FROM route WHERE provider = $1::text AND model = $2::text)
          AND state <= 3 AND deadline IS NOT NULL AND deadline > $3::bigint
        ORDER BY deadline LIMIT $4::bigint
      ) d GROUP BY deadline / 1000 ORDER BY 1
      """)
    selectRuns = connection.prepare(
      """
      SELECT model, submitted_at, cancelled_at, CASE WHEN state = 2 THEN NULL ELSE ended_at END FROM (
        SELECT * FROM batch WHERE account = $1::text AND submitted_at > 0 ORDER BY submitted_at DESC LIMIT $2::bigint
      ) b WHERE state = 2 OR (ended_at IS NOT NULL AND ran_at IS NOT NULL)
      """)
    selectSpend = connection.prepare(RescueStatements.spendSQL)
    selectOutcome = connection.prepare("SELECT state = 5 FROM request WHERE id = $1::bigint")
  }

  func due(_ route: Route, after: Timestamp, limit: Int) throws -> [DueRows] {
    selectDue.start().bind(route.provider)
    selectDue.bind(StoredText(route.model))
    selectDue.bind(after.milliseconds)
    selectDue.bind(Int64(limit))
    return try selectDue.all { row in
      DueRows(
        earliest: try row.timestamp(0), latest: try row.timestamp(1), count: try row.int(2),
        tokens: try row.integer(3))
    }
  }

  func runs(account: String, limit: Int, at now: Timestamp) throws -> [ModelRun] {
    selectRuns.start().bind(account)
    selectRuns.bind(Int64(limit))
    return try selectRuns.all { row in
      let ended = try row.optionalTimestamp(3)
      return ModelRun(
        model: try row.text(0),
        run: BatchRun(
          submittedAt: try row.timestamp(1), cancelledAt: try row.optionalTimestamp(2), endedAt: ended ?? now,
          isOver: ended != nil))
    }
  }

  func doubleSpend(since: Timestamp) throws -> PicoUSD {
    selectSpend.start().bind(since.milliseconds)
    return PicoUSD(try selectSpend.first { try $0.integer(0) } ?? 0)
  }

  /// A row that is not there any more had its outcome long ago.
  func hasOutcome(_ id: RequestID) throws -> Bool {
    selectOutcome.start().bind(id.rawValue)
    return try selectOutcome.first { try $0.bool(0) } ?? true
  }
}
