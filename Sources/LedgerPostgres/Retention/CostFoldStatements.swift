import BatchCore
import Ledger
import LedgerRules

/// Statements that fold the daily costs of batches that are forgotten, of whichever replica they are.
struct CostFoldStatements {
  private let selectFolded: PreparedStatement
  private let foldCosts: PreparedStatement
  private let updateFolded: PreparedStatement

  init(_ connection: PostgresConnection) {
    let payer = "day, tenant, cost_center, user_tag, service, environment, route"
    let sums = CostStatements.sums.map(\.name)
    selectFolded = connection.prepare("SELECT coalesce(max(value), 0) FROM meta WHERE name = 'costs_folded_to'")
    // Locked in one order, by all who fold.
    foldCosts = connection.prepare(
      """
      WITH old AS (
        SELECT c.ctid AS place FROM cost c WHERE c.day >= $1::bigint AND c.day < $2::bigint AND c.batch > 0
          AND NOT EXISTS (SELECT FROM batch b WHERE b.id = c.batch)
        ORDER BY \(payer), c.batch, c.replica LIMIT $3::bigint FOR UPDATE OF c
      ), gone AS (DELETE FROM cost c USING old WHERE c.ctid = old.place RETURNING c.*), added AS (
        INSERT INTO cost AS c (replica, batch, \(payer), \(sums.joined(separator: ", ")))
        SELECT $4::bigint, \(CostFold.batch), \(payer), \(sums.map { "sum(\($0))" }.joined(separator: ", "))
        FROM gone GROUP BY \(payer)
        ON CONFLICT (\(payer), batch, replica) DO UPDATE SET
          \(sums.map { "\($0) = c.\($0) + excluded.\($0)" }.joined(separator: ", "))
      )
      SELECT count(*), max(day) FROM gone
      """)
    updateFolded = connection.prepare(
      """
      INSERT INTO meta AS m (name, value) VALUES ('costs_folded_to', $1::bigint)
      ON CONFLICT (name) DO UPDATE SET value = greatest(m.value, excluded.value)
      """)
  }

  /// Folds some rows of the days before, in the open transaction. Returns how many.
  func fold(before end: Int64, limit: Int, replica: Int64) throws -> Int {
    let start = try selectFolded.start().first { try $0.integer(0) } ?? 0
    if start >= end { return 0 }
    foldCosts.start().bind(start)
    foldCosts.bind(end)
    foldCosts.bind(Int64(limit))
    foldCosts.bind(replica)
    let found = try foldCosts.first { (count: try $0.integer(0), last: try $0.optionalInteger(1)) }
    let count = Int(found?.count ?? 0)
    updateFolded.start().bind(count < limit ? end : found?.last ?? end)
    try updateFolded.run()
    return count
  }
}
