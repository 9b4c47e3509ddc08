import BatchCore
import Ledger
import LedgerRules

/// Adds daily costs up.
final class CostReader: ReadSession {
  let snapshot: Snapshot
  private let connection: OpaquePointer
  private let selectBudgets: Statement

  init(_ connection: OpaquePointer) throws {
    snapshot = try Snapshot(connection)
    self.connection = connection
    try CostAggregate.register(connection)
    selectBudgets = try Statement(
      connection, "SELECT key, period, spent, reserved FROM budget WHERE period >= ? ORDER BY key, period")
  }

  func report(_ query: CostQuery) throws -> CostReport {
    let selectCosts = try Statement(connection, Self.sql(query.dimensions))
    selectCosts.start().bind(query.days.lowerBound)
    selectCosts.bind(query.days.upperBound)
    let places = query.dimensions.indices.map { CInt($0) }
    let sumPlace = CInt(places.count)
    var lines: [CostReport.Line] = []
    try selectCosts.forEach { row in
      // Without dimensions there is a row even of nothing.
      if row.isNull(sumPlace) { return true }
      guard let sums = CostSums(text: row.text(sumPlace)) else { throw DamagedTables("a day's costs") }
      lines.append(CostReport.Line(values: places.map { row.text($0) }, sums: sums))
      return true
    }
    return CostReport(lines, limit: query.limit)
  }

  func budgets(since: Timestamp) throws -> [BudgetStanding] {
    selectBudgets.start().bind(since)
    return try selectBudgets.all { row in
      BudgetStanding(
        key: row.text(0), period: row.timestamp(1),
        balance: BudgetBalance(spent: row.integer(2), reserved: row.integer(3)))
    }
  }

  /// Reads and groups by what is asked for only: there is a row for each user and batch of a day.
  private static func sql(_ dimensions: [CostQuery.Dimension]) -> String {
    var joins = ""
    if dimensions.contains(.provider) || dimensions.contains(.model) {
      joins += " LEFT JOIN route t ON t.id = c.route"
    }
    if dimensions.contains(.batch) { joins += " LEFT JOIN batch b ON b.id = c.batch" }
    let columns = dimensions.map(column)
    let groups = columns.isEmpty ? "" : " GROUP BY \((1...columns.count).map(String.init).joined(separator: ", "))"
    return """
      SELECT \((columns + ["sum_costs(c.sums)"]).joined(separator: ", ")) FROM cost c\(joins)
      WHERE c.day BETWEEN ? AND ?\(groups)
      """
  }

  private static func column(_ dimension: CostQuery.Dimension) -> String {
    switch dimension {
    case .day: "c.day"
    case .tenant: "c.tenant"
    case .costCenter: "c.cost_center"
    case .user: "c.user"
    case .service: "c.service"
    case .environment: "c.environment"
    case .provider: "ifnull(t.provider, '')"
    case .model: "ifnull(t.model, '')"
    case .lane: "CASE c.batch WHEN 0 THEN '\(Lane.interactive.name)' ELSE '\(Lane.deferred.name)' END"
    case .batch: "ifnull(b.label, '')"
    }
  }
}
