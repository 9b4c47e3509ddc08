import BatchCore
import Ledger
import LedgerRules

/// Statements that keep daily costs, and find out whom an attempt is charged to.
struct CostStatements {
  private let selectRequest: Statement
  private let selectAttempt: Statement
  private let selectSums: Statement
  private let upsertSums: Statement
  private let selectFolded: Statement
  private let selectForgotten: Statement
  private let deleteSums: Statement
  private let updateFolded: Statement

  init(_ connection: OpaquePointer) throws {
    selectRequest = try Statement(
      connection,
      """
      SELECT tenant, ifnull(cost_center, ''), ifnull(user, ''), ifnull(service, ''), ifnull(environment, ''),
        ifnull(route, 0), call_ceiling, ifnull(batch_ceiling, call_ceiling), tokens
      FROM request WHERE id = ?
      """)
    selectAttempt = try Statement(
      connection,
      """
      SELECT request_id, ended_at, ifnull(route, 0), ifnull(batch_id, 0), cost_unknown, held FROM attempt WHERE id = ?
      """)
    let key = "day, tenant, cost_center, user, service, environment, route, batch"
    selectSums = try Statement(
      connection,
      """
      SELECT sums FROM cost WHERE day = ? AND tenant = ? AND cost_center = ? AND user = ? AND service = ?
        AND environment = ? AND route = ? AND batch = ?
      """)
    upsertSums = try Statement(
      connection,
      """
      INSERT INTO cost(\(key), sums) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT(\(key)) DO UPDATE SET sums = excluded.sums
      """)
    selectFolded = try Statement(connection, "SELECT value FROM meta WHERE name = 'costs_folded_to'")
    selectForgotten = try Statement(
      connection,
      """
      SELECT \(key), sums FROM cost c WHERE day >= ? AND day < ? AND batch > 0
        AND NOT EXISTS (SELECT 1 FROM batch b WHERE b.id = c.batch)
      ORDER BY \(key) LIMIT ?
      """)
    deleteSums = try Statement(
      connection,
      """
      DELETE FROM cost WHERE day = ? AND tenant = ? AND cost_center = ? AND user = ? AND service = ?
        AND environment = ? AND route = ? AND batch = ?
      """)
    updateFolded = try Statement(
      connection,
      """
      INSERT INTO meta(name, value) VALUES ('costs_folded_to', ?) ON CONFLICT(name) DO UPDATE SET value = excluded.value
      """)
  }

  /// What a request says of who pays for its attempts, where they go, and what one may cost at most.
  struct Charged {
    var payer: CostKey.Payer
    var route: Int64
    var callCeiling: Int64?
    var batchCeiling: Int64?
    var tokens: Int64
  }

  func charged(for request: Int64) throws -> Charged? {
    selectRequest.start().bind(request)
    return try selectRequest.first { row in
      Charged(
        payer: CostKey.Payer(
          tenant: row.text(0), costCenter: row.text(1), user: row.text(2), service: row.text(3),
          environment: row.text(4)),
        route: row.integer(5), callCeiling: row.optionalInteger(6), batchCeiling: row.optionalInteger(7),
        tokens: row.integer(8))
    }
  }

  /// Under what a lost attempt was counted, and as what.
  func lost(_ attempt: Int64) throws -> (request: Int64, key: CostKey, sums: CostSums)? {
    selectAttempt.start().bind(attempt)
    let found = try selectAttempt.first { row in
      (
        request: row.integer(0), endedAt: row.timestamp(1), route: row.integer(2), batch: row.integer(3),
        sums: CostSums(lost: row.integer(4) != 0, held: row.optionalInteger(5))
      )
    }
    guard let found, let charged = try charged(for: found.request) else { return nil }
    let key = CostKey(endedAt: found.endedAt, payer: charged.payer, route: found.route, batch: found.batch)
    return (found.request, key, found.sums)
  }

  /// Adds what the open transaction has counted.
  func add(_ costs: [CostKey: CostSums]) throws {
    for (key, sums) in costs {
      bind(key, to: selectSums.start())
      var sum = sums
      if let known = try selectSums.first({ $0.text(0) }) {
        guard let known = CostSums(text: known) else { throw DamagedTables("a day's costs") }
        sum += known
      }
      bind(key, to: upsertSums.start())
      upsertSums.bind(sum.text)
      try upsertSums.run()
    }
  }

  /// Folds some rows of the days before, in the open transaction. Returns how many.
  func fold(before end: Int64, limit: Int) throws -> Int {
    let start = try selectFolded.start().first { $0.integer(0) } ?? 0
    if start >= end { return 0 }
    selectForgotten.start().bind(start)
    selectForgotten.bind(end)
    selectForgotten.bind(limit)
    let found = try selectForgotten.all { row in
      let payer = CostKey.Payer(
        tenant: row.text(1), costCenter: row.text(2), user: row.text(3), service: row.text(4), environment: row.text(5))
      guard let sums = CostSums(text: row.text(8)) else { throw DamagedTables("a day's costs") }
      return (key: CostKey(day: row.integer(0), payer: payer, route: row.integer(6), batch: row.integer(7)), sums: sums)
    }
    var folded: [CostKey: CostSums] = [:]
    for (key, sums) in found {
      bind(key, to: deleteSums.start())
      try deleteSums.run()
      var key = key
      key.batch = CostFold.batch
      folded[key, default: CostSums()] += sums
    }
    try add(folded)
    updateFolded.start().bind(found.count < limit ? end : found.last?.key.day ?? end)
    try updateFolded.run()
    return found.count
  }

  private func bind(_ key: CostKey, to row: Statement) {
    row.bind(key.day)
    row.bind(key.payer.tenant)
    row.bind(key.payer.costCenter)
    row.bind(key.payer.user)
    row.bind(key.payer.service)
    row.bind(key.payer.environment)
    row.bind(key.route)
    row.bind(key.batch)
  }
}
