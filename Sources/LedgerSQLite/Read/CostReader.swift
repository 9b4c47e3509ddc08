import BatchCore
import Ledger
import LedgerRules

/// Adds daily costs up.
final class CostReader: ReadSession {
  let snapshot: Snapshot
  private let selectCosts: Statement
  private let selectBudgets: Statement

  init(_ connection: OpaquePointer) throws {
    snapshot = try Snapshot(connection)
    selectCosts = try Statement(
      connection,
      """
      SELECT c.day, c.tenant, c.cost_center, c.user, c.service, c.environment, ifnull(t.provider, ''),
        ifnull(t.model, ''), c.batch, ifnull(b.label, ''), c.sums
      FROM cost c LEFT JOIN route t ON t.id = c.route LEFT JOIN batch b ON b.id = c.batch
      WHERE c.day BETWEEN ? AND ?
      """)
    selectBudgets = try Statement(
      connection, "SELECT key, period, spent, reserved FROM budget WHERE period >= ? ORDER BY key, period")
  }

  func report(_ query: CostQuery) throws -> CostReport {
    selectCosts.start().bind(query.days.lowerBound)
    selectCosts.bind(query.days.upperBound)
    var lines: [[String]: CostSums] = [:]
    try selectCosts.forEach { row in
      guard let sums = CostSums(text: row.text(10)) else { throw DamagedTables("a day's costs") }
      lines[query.dimensions.map { Self.value($0, row) }, default: CostSums()] += sums
      return true
    }
    return CostReport(lines.map { CostReport.Line(values: $0.key, sums: $0.value) }, limit: query.limit)
  }

  func budgets(since: Timestamp) throws -> [BudgetStanding] {
    selectBudgets.start().bind(since)
    return try selectBudgets.all { row in
      BudgetStanding(
        key: row.text(0), period: row.timestamp(1),
        balance: BudgetBalance(spent: row.integer(2), reserved: row.integer(3)))
    }
  }

  private static func value(_ dimension: CostQuery.Dimension, _ row: Statement) -> String {
    switch dimension {
    case .day: String(row.integer(0))
    case .tenant: row.text(1)
    case .costCenter: row.text(2)
    case .user: row.text(3)
    case .service: row.text(4)
    case .environment: row.text(5)
    case .provider: row.text(6)
    case .model: row.text(7)
    case .lane: row.integer(8) == 0 ? Lane.interactive.name : Lane.deferred.name
    case .batch: row.text(9)
    }
  }
}
