import BatchCore
import Ledger
import LedgerRules

/// Statements that keep daily costs, and find out whom an attempt is charged to.
struct CostStatements {
  private let selectRequest: Statement
  private let selectAttempt: Statement
  private let selectSums: Statement
  private let upsertSums: Statement

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
