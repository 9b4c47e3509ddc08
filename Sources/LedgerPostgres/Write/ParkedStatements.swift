import BatchCore
import Ledger
import LedgerRules

/// Statements about parked rows and the turns of their tenants.
struct ParkedStatements {
  private let insertTurn: PreparedStatement
  private let lockTurn: PreparedStatement
  private let updateTurn: PreparedStatement
  private let selectTenants: PreparedStatement
  private let claimRows: PreparedStatement
  private let upsertDeficits: PreparedStatement
  private let deleteDeficits: PreparedStatement
  private let updateDeficits: PreparedStatement
  private let dropDeficits: PreparedStatement
  private let releaseRows: PreparedStatement

  init(_ connection: PostgresConnection) throws {
    insertTurn = connection.prepare(
      """
      INSERT INTO parked_turn(route, call_class, tenant, has_begun) VALUES ($1::integer, $2::smallint, '', false)
      ON CONFLICT DO NOTHING
      """)
    // Whoever finds it locked comes again: to wait, with rows of other operations in hand, could be to wait in a ring.
    lockTurn = connection.prepare(
      """
      WITH free AS (
        SELECT tenant, has_begun FROM parked_turn WHERE route = $1::integer AND call_class = $2::smallint
        FOR NO KEY UPDATE SKIP LOCKED
      )
      SELECT true, tenant, has_begun FROM free
      UNION ALL
      SELECT false, '', false WHERE NOT EXISTS (
        SELECT FROM parked_turn WHERE route = $1::integer AND call_class = $2::smallint)
      """)
    updateTurn = connection.prepare(
      """
      UPDATE parked_turn SET tenant = $3::text, has_begun = $4::boolean
      WHERE route = $1::integer AND call_class = $2::smallint
      """)
    selectTenants = connection.prepare(Self.tenantsSQL)
    claimRows = connection.prepare(
      """
      WITH wanted AS (
        SELECT id, place FROM unnest($1::bigint[]) WITH ORDINALITY AS w(id, place)
      ), free AS (
        SELECT id FROM request WHERE id = ANY($1::bigint[]) AND state = 1 ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
      ), taken AS (
        UPDATE request r SET state = 2, owner = $2::bigint, attempt_no = attempt_no + 1 FROM free WHERE r.id = free.id
        RETURNING r.*
      )
      SELECT t.id, t.attempt_no, t.endpoint, m.name, t.model_offset, t.model_length, b.bytes, t.tokens, t.deadline,
        t.received_at, t.tenant, t.running_attempt IS NOT NULL
      FROM taken t JOIN wanted w ON w.id = t.id JOIN model m ON m.id = t.model JOIN body b ON b.request_id = t.id
      ORDER BY w.place
      """)
    upsertDeficits = connection.prepare(
      """
      INSERT INTO tenant_share(route, call_class, tenant, deficit)
      SELECT $1::integer, $2::smallint, n.tenant, n.deficit FROM unnest($3::text[], $4::bigint[]) AS n(tenant, deficit)
      ON CONFLICT (route, call_class, tenant) DO UPDATE SET deficit = excluded.deficit
      """)
    deleteDeficits = connection.prepare(
      """
      DELETE FROM tenant_share
      WHERE route = $1::integer AND call_class = $2::smallint AND tenant = ANY($3::text[])
      """)
    updateDeficits = connection.prepare(
      """
      UPDATE tenant_share s SET deficit = greatest(-$5::bigint, least($5::bigint, s.deficit - n.cost))
      FROM unnest($3::text[], $4::bigint[]) AS n(tenant, cost)
      WHERE s.route = $1::integer AND s.call_class = $2::smallint AND s.tenant = n.tenant
      """)
    dropDeficits = connection.prepare(
      """
      DELETE FROM tenant_share s WHERE s.route = $1::integer AND s.call_class = $2::smallint AND NOT EXISTS (
        SELECT FROM request r
        WHERE r.state = 1 AND r.route = s.route AND r.call_class = s.call_class AND r.tenant = s.tenant)
      """)
    releaseRows = connection.prepare(
      """
      UPDATE request SET not_before = $1::bigint WHERE id IN (
        SELECT id FROM request
        WHERE state = 1 AND route = $2::integer AND call_class IN (0, 1) AND not_before > $1::bigint
        LIMIT $3::bigint FOR NO KEY UPDATE SKIP LOCKED)
      """)
  }

  /// From tenant to tenant, and of each the head of its rows, so that it costs what is looked at and not what is parked.
  static let tenantsSQL = """
    WITH RECURSIVE ring(tenant, place) AS (
      (SELECT tenant, 1 FROM request
        WHERE state = 1 AND route = $1::integer AND call_class = $2::smallint AND tenant >= $3::text
        ORDER BY tenant LIMIT 1)
      UNION ALL
      SELECT next.tenant, ring.place + 1 FROM ring CROSS JOIN LATERAL (
        SELECT r.tenant FROM request r
        WHERE r.state = 1 AND r.route = $1::integer AND r.call_class = $2::smallint AND r.tenant > ring.tenant
        ORDER BY r.tenant LIMIT 1
      ) next WHERE ring.place < $5::bigint
    ), found AS MATERIALIZED (
      SELECT tenant, place FROM ring WHERE $4::text IS NULL OR tenant < $4::text
    ), page AS MATERIALIZED (
      SELECT least($6::bigint, greatest(2, $6::bigint / greatest(1, count(*)) + 1)) AS size FROM found
    )
    SELECT found.tenant, coalesce(s.deficit, 0), page.size, head.id, head.tokens
    FROM found CROSS JOIN page
    LEFT JOIN tenant_share s ON s.route = $1::integer AND s.call_class = $2::smallint AND s.tenant = found.tenant
    LEFT JOIN LATERAL (
      SELECT r.id, r.tokens, r.not_before FROM request r
      WHERE r.state = 1 AND r.route = $1::integer AND r.call_class = $2::smallint AND r.tenant = found.tenant
        AND r.not_before <= $7::bigint
      ORDER BY r.not_before, r.id LIMIT (SELECT size FROM page)
    ) head ON true
    ORDER BY found.place, head.not_before, head.id
    """

  private func start(_ statement: PreparedStatement, _ line: ParkedLine, _ id: Int64) -> PreparedStatement {
    statement.start().bind(Int32(clamping: id))
    statement.bind(Int16(line.callClass.rawValue))
    return statement
  }

  // MARK: Turns

  /// Nil while another replica claims rows of the line.
  func turn(of line: ParkedLine, id: Int64) throws -> ParkedTurn? {
    func locked() throws -> (isThere: Bool, turn: ParkedTurn)? {
      try start(lockTurn, line, id).first { row in
        (try row.bool(0), ParkedTurn(tenant: try row.text(1), hasBegun: try row.bool(2)))
      }
    }
    guard let found = try locked() else { return nil }
    if found.isThere { return found.turn }
    try start(insertTurn, line, id).run()
    return try locked()?.turn
  }

  func setTurn(_ turn: ParkedTurn, of line: ParkedLine, id: Int64) throws {
    let row = start(updateTurn, line, id)
    row.bind(StoredText(turn.tenant))
    row.bind(turn.hasBegun)
    try row.run()
  }

  func tenants(_ walk: ParkedWalk, id: Int64) throws -> [ParkedTenant] {
    let row = start(selectTenants, walk.line, id)
    row.bind(StoredText(walk.from))
    row.bind(walk.below.map(StoredText.init))
    row.bind(Int64(walk.limit))
    row.bind(Int64(walk.rows))
    row.bind(walk.dueBy.milliseconds)
    var tenants: [ParkedTenant] = []
    try row.forEach { row in
      let name = try row.text(0)
      if tenants.last?.name != name {
        tenants.append(ParkedTenant(name: name, deficit: try row.integer(1), rows: [], hasMore: false))
      }
      if row.isNull(3) { return true }
      let last = tenants.count - 1
      tenants[last].rows.append((id: try row.integer(3), tokens: try row.integer(4)))
      tenants[last].hasMore = Int64(tenants[last].rows.count) == (try row.integer(2))
      return true
    }
    return tenants
  }

  // MARK: Rows

  func claim(_ ids: [Int64], of line: ParkedLine, owner: Int64) throws -> [ParkedCall] {
    claimRows.start().bind(array: ids)
    claimRows.bind(owner)
    return try claimRows.all { row in
      ParkedCall(
        id: RequestID(try row.integer(0)), attempt: try row.int(1), endpoint: try row.value(2), route: line.route,
        model: try row.text(3), body: try row.body(6, offset: 4, length: 5), tokens: try row.integer(7),
        deadline: try row.optionalTimestamp(8), receivedAt: try row.timestamp(9), tenant: try row.text(10),
        callClass: line.callClass, runsInBatch: try row.bool(11))
    }
  }

  /// What another replica holds just now is its.
  func release(_ id: Int64, limit: Int, at now: Timestamp) throws -> Int {
    releaseRows.start().bind(now.milliseconds)
    releaseRows.bind(Int32(clamping: id))
    releaseRows.bind(Int64(limit))
    return Int(try releaseRows.run())
  }

  // MARK: Deficits

  func setDeficits(_ deficits: [String: Int64], of line: ParkedLine, id: Int64) throws {
    let kept = deficits.filter { $0.value != 0 }
    if !kept.isEmpty {
      let row = start(upsertDeficits, line, id)
      row.bind(array: kept.map { StoredText($0.key) })
      row.bind(array: kept.map(\.value))
      try row.run()
    }
    let even = deficits.filter { $0.value == 0 }.map { StoredText($0.key) }
    if even.isEmpty { return }
    let row = start(deleteDeficits, line, id)
    row.bind(array: even)
    try row.run()
  }

  func correctDeficits(_ corrections: [String: Int64], bound: Int64, of line: ParkedLine, id: Int64) throws {
    let row = start(updateDeficits, line, id)
    row.bind(array: corrections.map { StoredText($0.key) })
    row.bind(array: corrections.map { min(2 * bound, max(-2 * bound, $0.value)) })
    row.bind(bound)
    try row.run()
  }

  func dropDeficits(of line: ParkedLine, id: Int64) throws { try start(dropDeficits, line, id).run() }
}
