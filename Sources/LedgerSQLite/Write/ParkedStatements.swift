import BatchCore
import Ledger
import LedgerRules

/// Statements about parked rows and the turns of their tenants.
struct ParkedStatements {
  private let selectTurn: Statement
  private let upsertTurn: Statement
  private let selectFirstTenant: Statement
  private let selectNextTenant: Statement
  private let selectRows: Statement
  private let selectCall: Statement
  private let releaseRows: Statement
  private let claimRow: Statement
  private let selectDeficit: Statement
  private let upsertDeficit: Statement
  private let updateDeficit: Statement
  private let deleteDeficit: Statement
  private let deleteDeficits: Statement

  init(_ connection: OpaquePointer) throws {
    selectTurn = try Statement(
      connection, "SELECT tenant, has_begun FROM parked_turn WHERE route = ? AND call_class = ?")
    upsertTurn = try Statement(
      connection,
      """
      INSERT INTO parked_turn(route, call_class, tenant, has_begun) VALUES (?, ?, ?, ?)
      ON CONFLICT DO UPDATE SET tenant = excluded.tenant, has_begun = excluded.has_begun
      """)
    // From tenant to tenant, so that it costs what there are of them and not what is parked.
    func selectTenant(_ comparison: String) throws -> Statement {
      try Statement(
        connection,
        """
        SELECT tenant FROM request INDEXED BY request_parked_tenant
        WHERE state = 1 AND route = ? AND call_class = ? AND tenant \(comparison) ? ORDER BY tenant LIMIT 1
        """)
    }
    selectFirstTenant = try selectTenant(">=")
    selectNextTenant = try selectTenant(">")
    selectRows = try Statement(
      connection,
      """
      SELECT id, tokens FROM request INDEXED BY request_parked_tenant
      WHERE state = 1 AND route = ? AND call_class = ? AND tenant = ? AND not_before <= ?
      ORDER BY not_before, id LIMIT ?
      """)
    claimRow = try Statement(
      connection, "UPDATE request SET state = 2, epoch = ?, attempt_no = attempt_no + 1 WHERE id = ? AND state = 1")
    selectCall = try Statement(
      connection,
      """
      SELECT r.attempt_no, r.endpoint, m.name, r.model_offset, r.model_length, b.bytes, r.tokens, r.deadline,
        r.received_at, r.tenant, r.running_attempt IS NOT NULL
      FROM request r JOIN model m ON m.id = r.model JOIN body b ON b.request_id = r.id WHERE r.id = ?
      """)
    releaseRows = try Statement(
      connection,
      """
      UPDATE request SET not_before = ?1 WHERE id IN (
        SELECT id FROM request INDEXED BY request_parked
        WHERE state = 1 AND route = ?2 AND call_class IN (0, 1) AND not_before > ?1 LIMIT ?3)
      """)
    let ofTenant = "route = ? AND call_class = ? AND tenant = ?"
    selectDeficit = try Statement(connection, "SELECT deficit FROM tenant_share WHERE \(ofTenant)")
    upsertDeficit = try Statement(
      connection,
      """
      INSERT INTO tenant_share(route, call_class, tenant, deficit) VALUES (?, ?, ?, ?)
      ON CONFLICT DO UPDATE SET deficit = excluded.deficit
      """)
    updateDeficit = try Statement(
      connection,
      """
      UPDATE tenant_share SET deficit = max(-?1, min(?1, deficit - ?2))
      WHERE route = ?3 AND call_class = ?4 AND tenant = ?5
      """)
    deleteDeficit = try Statement(connection, "DELETE FROM tenant_share WHERE \(ofTenant)")
    deleteDeficits = try Statement(
      connection,
      """
      DELETE FROM tenant_share WHERE route = ? AND call_class = ? AND NOT EXISTS (
        SELECT 1 FROM request r INDEXED BY request_parked_tenant
        WHERE r.state = 1 AND r.route = tenant_share.route AND r.call_class = tenant_share.call_class
          AND r.tenant = tenant_share.tenant)
      """)
  }

  /// Binds which line, and which tenant of it.
  private func start(
    _ statement: Statement, _ line: ParkedLine, _ session: WriteSession, tenant: String? = nil
  ) throws -> Statement {
    statement.start().bind(try session.id(of: line.route))
    statement.bind(line.callClass)
    if let tenant { statement.bind(tenant) }
    return statement
  }

  // MARK: Turns

  func turn(of line: ParkedLine, _ session: WriteSession) throws -> ParkedTurn? {
    try start(selectTurn, line, session).first { row in
      ParkedTurn(tenant: row.text(0), hasBegun: row.integer(1) != 0)
    }
  }

  func setTurn(_ turn: ParkedTurn, of line: ParkedLine, _ session: WriteSession) throws {
    let row = try start(upsertTurn, line, session, tenant: turn.tenant)
    row.bind(turn.hasBegun)
    try row.run()
  }

  func tenants(_ walk: ParkedWalk, _ session: WriteSession) throws -> [ParkedTenant] {
    var names: [String] = []
    while names.count < walk.limit {
      let step = names.isEmpty ? selectFirstTenant : selectNextTenant
      let row = try start(step, walk.line, session, tenant: names.last ?? walk.from)
      guard let name = try row.first({ $0.text(0) }) else { break }
      // By bytes, as the index is ordered.
      if let below = walk.below, !name.utf8.lexicographicallyPrecedes(below.utf8) { break }
      names.append(name)
    }
    let limit = walk.rows(ofEach: names.count)
    return try names.map { name in
      let row = try start(selectRows, walk.line, session, tenant: name)
      row.bind(walk.dueBy)
      row.bind(limit)
      let rows = try row.all { (id: $0.integer(0), tokens: $0.integer(1)) }
      let deficit = try deficit(of: name, walk.line, session) ?? 0
      return ParkedTenant(name: name, deficit: deficit, rows: rows, hasMore: rows.count == limit)
    }
  }

  // MARK: Rows

  func claim(_ id: Int64, of line: ParkedLine, epoch: Int64) throws -> ParkedCall? {
    claimRow.start().bind(epoch)
    claimRow.bind(id)
    guard try claimRow.run() == 1 else { return nil }
    selectCall.start().bind(id)
    return try selectCall.first { row in
      ParkedCall(
        id: RequestID(id), attempt: row.int(0), endpoint: try row.value(1), route: line.route, model: row.text(2),
        body: try row.body(5, offset: 3, length: 4), tokens: row.integer(6), deadline: row.optionalTimestamp(7),
        receivedAt: row.timestamp(8), tenant: row.text(9), callClass: line.callClass,
        runsInBatch: row.integer(10) != 0)
    }
  }

  func release(_ route: Route, limit: Int, at now: Timestamp, _ session: WriteSession) throws -> Int {
    releaseRows.start().bind(now)
    releaseRows.bind(try session.id(of: route))
    releaseRows.bind(limit)
    return Int(try releaseRows.run())
  }

  // MARK: Deficits

  private func deficit(of tenant: String, _ line: ParkedLine, _ session: WriteSession) throws -> Int64? {
    try start(selectDeficit, line, session, tenant: tenant).first { $0.integer(0) }
  }

  func setDeficits(_ deficits: [String: Int64], of line: ParkedLine, _ session: WriteSession) throws {
    for (tenant, deficit) in deficits {
      let row = try start(deficit == 0 ? deleteDeficit : upsertDeficit, line, session, tenant: tenant)
      if deficit != 0 { row.bind(deficit) }
      try row.run()
    }
  }

  func correctDeficits(
    _ corrections: [String: Int64], bound: Int64, of line: ParkedLine, _ session: WriteSession
  ) throws {
    for (tenant, cost) in corrections {
      updateDeficit.start().bind(bound)
      updateDeficit.bind(min(2 * bound, max(-2 * bound, cost)))
      updateDeficit.bind(try session.id(of: line.route))
      updateDeficit.bind(line.callClass)
      updateDeficit.bind(tenant)
      try updateDeficit.run()
    }
  }

  func dropDeficits(of line: ParkedLine, _ session: WriteSession) throws {
    try start(deleteDeficits, line, session).run()
  }
}
