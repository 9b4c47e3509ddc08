import BatchCore
import Ledger
import LedgerRules

/// Adds daily costs up.
struct CostReader {
  private let selectCosts: PreparedStatement
  private let selectBudgets: PreparedStatement

  init(_ connection: PostgresConnection) {
    // One statement for every choice of columns: what is not asked for is the same for all rows.
    let columns = Self.columns.enumerated().map { "CASE WHEN $\($0.offset + 3)::boolean THEN \($0.element.sql) END" }
    let sums = CostStatements.sums.map { "sum(c.\($0.name))::text" }
    selectCosts = connection.prepare(
      """
      SELECT \((columns + sums).joined(separator: ", "))
      FROM cost c LEFT JOIN route t ON t.id = c.route LEFT JOIN batch b ON b.id = c.batch
      WHERE c.day BETWEEN $1::bigint AND $2::bigint
      GROUP BY \((1...columns.count).map(String.init).joined(separator: ", "))
      """)
    selectBudgets = connection.prepare(
      "SELECT key, period, spent, reserved FROM budget WHERE period >= $1::bigint ORDER BY key, period")
  }

  private static let columns: [(dimension: CostQuery.Dimension, sql: String)] = [
    (.day, "c.day::text"), (.tenant, "c.tenant"), (.costCenter, "c.cost_center"), (.user, "c.user_tag"),
    (.service, "c.service"), (.environment, "c.environment"), (.provider, "coalesce(t.provider, '')"),
    (.model, "coalesce(t.model, '')"),
    (.lane, "CASE c.batch WHEN 0 THEN '\(Lane.interactive.name)' ELSE '\(Lane.deferred.name)' END"),
    (.batch, "coalesce(b.label, '')"),
  ]

  func budgets(since: Timestamp) throws -> [BudgetStanding] {
    selectBudgets.start().bind(since.milliseconds)
    return try selectBudgets.all { row in
      BudgetStanding(
        key: try row.text(0), period: try row.timestamp(1),
        balance: BudgetBalance(spent: try row.integer(2), reserved: try row.integer(3)))
    }
  }

  func report(_ query: CostQuery) throws -> CostReport {
    selectCosts.start().bind(query.days.lowerBound)
    selectCosts.bind(query.days.upperBound)
    for column in Self.columns { selectCosts.bind(query.dimensions.contains(column.dimension)) }
    let places = query.dimensions.map { wanted in
      CInt(Self.columns.firstIndex { $0.dimension == wanted } ?? 0)
    }
    let lines = try selectCosts.all { row in
      var sums = CostSums()
      for (index, field) in CostSums.fields.enumerated() {
        guard let number = Int128(try row.text(CInt(Self.columns.count + index))) else {
          throw DamagedTables("a day's costs")
        }
        sums[keyPath: field] = number
      }
      return CostReport.Line(values: try places.map { try row.text($0) }, sums: sums)
    }
    return CostReport(lines, limit: query.limit)
  }
}
