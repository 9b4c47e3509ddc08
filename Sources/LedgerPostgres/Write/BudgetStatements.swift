import BatchCore
import Ledger
import LedgerRules

/// Statements about budgets, and the calls that wait for them.
struct BudgetStatements {
  private let insertBalances: PreparedStatement
  private let selectBalances: PreparedStatement
  private let updateBalances: PreparedStatement
  private let insertShares: PreparedStatement
  private let updateShares: PreparedStatement
  private let selectSettled: PreparedStatement
  private let updateHeld: PreparedStatement
  private let insertHolds: PreparedStatement
  private let selectKeys: PreparedStatement
  private let selectHeld: PreparedStatement
  private let selectClaims: PreparedStatement
  private let updateReleased: PreparedStatement
  private let updateBlocking: PreparedStatement
  private let selectOverdue: PreparedStatement
  private let selectShareKeys: PreparedStatement
  private let deleteHolds: PreparedStatement
  private let claimAlert: PreparedStatement

  /// Of an attempt `a` of the request `r`. One without a price counts as the most that it was to cost.
  private static let spent = """
    coalesce(a.cost, a.held, CASE WHEN a.input_tokens IS NOT NULL THEN
      CASE WHEN a.batch_id IS NULL THEN r.call_ceiling ELSE coalesce(r.batch_ceiling, r.call_ceiling) END END, 0)
    """

  init(_ connection: PostgresConnection) {
    let keys = "unnest($1::text[], $2::bigint[]) AS n(key, period)"
    insertBalances = connection.prepare(
      """
      INSERT INTO budget(key, period, spent, reserved) SELECT n.key, n.period, 0, 0 FROM \(keys) ORDER BY 1, 2
      ON CONFLICT DO NOTHING
      """)
    // In one order everywhere, so that two replicas don't wait for each other.
    selectBalances = connection.prepare(
      """
      SELECT b.key, b.period, b.spent, b.reserved FROM budget b JOIN \(keys) ON n.key = b.key AND n.period = b.period
      ORDER BY b.key, b.period FOR NO KEY UPDATE OF b
      """)
    updateBalances = connection.prepare(
      """
      UPDATE budget b SET spent = n.spent, reserved = n.reserved
      FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[]) AS n(key, period, spent, reserved)
      WHERE b.key = n.key AND b.period = n.period
      """)
    let shares = "unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[])"
    insertShares = connection.prepare(
      "INSERT INTO budget_share(request_id, key, period, reserved, spent) SELECT * FROM \(shares) ON CONFLICT DO NOTHING"
    )
    updateShares = connection.prepare(
      """
      UPDATE budget_share s SET reserved = n.reserved, spent = n.spent
      FROM \(shares) AS n(request_id, key, period, reserved, spent)
      WHERE s.request_id = n.request_id AND s.key = n.key
      """)
    selectSettled = connection.prepare(
      """
      SELECT s.request_id, s.key, s.period, s.reserved, s.spent, r.state = 5,
        (coalesce((SELECT sum(least(\(Self.spent), \(SettledShare.most))) FROM attempt a
          WHERE a.request_id = r.id AND a.outcome <> 0), 0)
        + coalesce((SELECT least(\(Self.spent), \(SettledShare.most)) FROM attempt a
          WHERE a.id = r.answer_id), 0))::bigint
      FROM budget_share s JOIN request r ON r.id = s.request_id WHERE s.request_id = ANY($1::bigint[])
      """)
    updateHeld = connection.prepare("UPDATE request SET state = 6, custody = 1, owner = NULL WHERE id = $1::bigint")
    insertHolds = connection.prepare(
      """
      INSERT INTO budget_hold(request_id, key, amount, blocks, due)
      SELECT $1::bigint, n.key, n.amount, n.key = $4::text, $5::bigint FROM unnest($2::text[], $3::bigint[]) AS n(key, amount)
      ON CONFLICT DO NOTHING
      """)
    selectKeys = connection.prepare(
      """
      WITH RECURSIVE k(key) AS (
        SELECT min(key) FROM budget_hold WHERE blocks
        UNION ALL SELECT (SELECT min(h.key) FROM budget_hold h WHERE h.blocks AND h.key > k.key) FROM k WHERE k.key IS NOT NULL
      )
      SELECT key FROM k WHERE key IS NOT NULL
      """)
    updateBlocking = connection.prepare("UPDATE budget_hold SET blocks = key = $2::text WHERE request_id = $1::bigint")
    selectOverdue = connection.prepare(
      """
      SELECT h.request_id FROM budget_hold h JOIN request r ON r.id = h.request_id
      WHERE h.blocks AND h.due < $1::bigint ORDER BY h.request_id LIMIT $2::bigint FOR NO KEY UPDATE OF r SKIP LOCKED
      """)
    selectShareKeys = connection.prepare(
      "SELECT DISTINCT key, period FROM budget_share WHERE request_id = ANY($1::bigint[])")
    // What another replica releases in this moment is passed over.
    selectHeld = connection.prepare(
      """
      SELECT h.request_id FROM budget_hold h JOIN request r ON r.id = h.request_id
      WHERE h.key = $1::text AND h.blocks AND r.state = 6 ORDER BY h.request_id LIMIT $2::bigint
      FOR NO KEY UPDATE OF r SKIP LOCKED
      """)
    selectClaims = connection.prepare(
      "SELECT request_id, key, amount FROM budget_hold WHERE request_id = ANY($1::bigint[]) ORDER BY request_id, key")
    updateReleased = connection.prepare(
      """
      UPDATE request SET state = CASE lane WHEN 1 THEN 0 ELSE 1 END, not_before = $1::bigint
      WHERE id = $2::bigint AND state = 6
      """)
    deleteHolds = connection.prepare("DELETE FROM budget_hold WHERE request_id = $1::bigint")
    claimAlert = connection.prepare(
      "UPDATE budget SET alerted = true WHERE key = $1::text AND period = $2::bigint AND NOT alerted")
  }

  func balances(of keys: [BudgetBook.Key]) throws -> [BudgetBook.Key: BudgetBalance] {
    for statement in [insertBalances, selectBalances] {
      statement.start().bind(array: keys.map { StoredText($0.key) })
      statement.bind(array: keys.map(\.period.milliseconds))
    }
    try insertBalances.run()
    var found: [BudgetBook.Key: BudgetBalance] = [:]
    try selectBalances.forEach { row in
      found[BudgetBook.Key(try row.text(0), try row.timestamp(1))] = BudgetBalance(
        spent: try row.integer(2), reserved: try row.integer(3))
      return true
    }
    return found
  }

  func set(_ balances: [(BudgetBook.Key, BudgetBalance)]) throws {
    let row = updateBalances.start()
    row.bind(array: balances.map { StoredText($0.0.key) })
    row.bind(array: balances.map(\.0.period.milliseconds))
    row.bind(array: balances.map(\.1.spent))
    row.bind(array: balances.map(\.1.reserved))
    try row.run()
  }

  func insert(_ shares: [BudgetBook.Share]) throws { try run(insertShares, shares) }

  func update(_ shares: [BudgetBook.Share]) throws { try run(updateShares, shares) }

  private func run(_ statement: PreparedStatement, _ shares: [BudgetBook.Share]) throws {
    statement.start().bind(array: shares.map(\.request))
    statement.bind(array: shares.map { StoredText($0.key.key) })
    statement.bind(array: shares.map(\.key.period.milliseconds))
    statement.bind(array: shares.map(\.reserved))
    statement.bind(array: shares.map(\.spent))
    try statement.run()
  }

  func settled(_ requests: [Int64]) throws -> [SettledShare] {
    selectSettled.start().bind(array: requests)
    return try selectSettled.all { row in
      SettledShare(
        share: BudgetBook.Share(
          request: try row.integer(0), key: BudgetBook.Key(try row.text(1), try row.timestamp(2)),
          reserved: try row.integer(3), spent: try row.integer(4)),
        isFinished: try row.bool(5), spentNow: try row.integer(6))
    }
  }

  func hold(_ id: Int64, for key: String, _ claims: [BudgetClaim], due: Timestamp?) throws {
    updateHeld.start().bind(id)
    try updateHeld.run()
    insertHolds.start().bind(id)
    insertHolds.bind(array: claims.map { StoredText($0.key) })
    insertHolds.bind(array: claims.map { $0.amount?.value ?? 0 })
    insertHolds.bind(StoredText(key))
    insertHolds.bind(due?.milliseconds)
    try insertHolds.run()
  }

  func heldKeys() throws -> [String] { try selectKeys.start().all { try $0.text(0) } }

  func held(of key: String, limit: Int) throws -> [HeldRequest] {
    selectHeld.start().bind(StoredText(key))
    selectHeld.bind(Int64(limit))
    let ids = try selectHeld.all { try $0.integer(0) }
    if ids.isEmpty { return [] }
    var claims: [Int64: [(key: String, amount: Int64)]] = [:]
    selectClaims.start().bind(array: ids)
    try selectClaims.forEach { row in
      claims[try row.integer(0), default: []].append((key: try row.text(1), amount: try row.integer(2)))
      return true
    }
    return ids.map { HeldRequest(id: $0, claims: claims[$0] ?? []) }
  }

  func release(_ id: Int64, at now: Timestamp) throws -> Bool {
    updateReleased.start().bind(now.milliseconds)
    updateReleased.bind(id)
    let released = try updateReleased.run() == 1
    try dropHold(id)
    return released
  }

  func moveHold(_ id: Int64, to key: String) throws {
    updateBlocking.start().bind(id)
    updateBlocking.bind(StoredText(key))
    try updateBlocking.run()
  }

  func dropHold(_ id: Int64) throws {
    deleteHolds.start().bind(id)
    try deleteHolds.run()
  }

  func overdueHeld(at now: Timestamp, limit: Int) throws -> [Int64] {
    selectOverdue.start().bind(now.milliseconds)
    selectOverdue.bind(Int64(limit))
    return try selectOverdue.all { try $0.integer(0) }
  }

  func shareKeys(of requests: [Int64]) throws -> [BudgetBook.Key] {
    selectShareKeys.start().bind(array: requests)
    return try selectShareKeys.all { BudgetBook.Key(try $0.text(0), try $0.timestamp(1)) }
  }

  func claimAlert(_ key: String, period: Timestamp) throws -> Bool {
    claimAlert.start().bind(StoredText(key))
    claimAlert.bind(period.milliseconds)
    return try claimAlert.run() == 1
  }
}
