import BatchCore
import Ledger
import LedgerRules

/// Statements about budgets, and the calls that wait for them.
struct BudgetStatements {
  private let selectBalance: Statement
  private let upsertBalance: Statement
  private let insertShare: Statement
  private let updateShare: Statement
  private let selectSettled: Statement
  private let updateHeld: Statement
  private let insertHold: Statement
  private let selectKeys: Statement
  private let selectHeld: Statement
  private let selectClaims: Statement
  private let updateReleased: Statement
  private let updateBlocking: Statement
  private let selectOverdue: Statement
  private let selectShareKeys: Statement
  private let deleteHolds: Statement
  private let claimAlert: Statement

  /// Of an attempt `a` of the request `r`. One without a price counts as the most that it was to cost.
  private static let spent = """
    coalesce(a.cost, a.held, CASE WHEN a.input_tokens IS NOT NULL THEN
      CASE WHEN a.batch_id IS NULL THEN r.call_ceiling ELSE coalesce(r.batch_ceiling, r.call_ceiling) END END, 0)
    """

  init(_ connection: OpaquePointer) throws {
    selectBalance = try Statement(connection, "SELECT spent, reserved FROM budget WHERE key = ? AND period = ?")
    upsertBalance = try Statement(
      connection,
      """
      INSERT INTO budget(key, period, spent, reserved) VALUES (?, ?, ?, ?)
      ON CONFLICT(key, period) DO UPDATE SET spent = excluded.spent, reserved = excluded.reserved
      """)
    insertShare = try Statement(
      connection,
      """
      INSERT INTO budget_share(request_id, key, period, reserved, spent) VALUES (?1, ?2, ?3, ?4, ?5)
      ON CONFLICT DO NOTHING
      """)
    updateShare = try Statement(
      connection, "UPDATE budget_share SET reserved = ?, spent = ? WHERE request_id = ? AND key = ?")
    // Alone no attempt costs as much as would make the sum of them overflow.
    selectSettled = try Statement(
      connection,
      """
      SELECT s.key, s.period, s.reserved, s.spent, r.state = 5,
        ifnull((SELECT sum(min(\(Self.spent), \(SettledShare.most))) FROM attempt a
          WHERE a.request_id = r.id AND a.outcome <> 0), 0)
        + ifnull((SELECT min(\(Self.spent), \(SettledShare.most)) FROM attempt a
          WHERE a.id = r.answer_id), 0)
      FROM budget_share s JOIN request r ON r.id = s.request_id WHERE s.request_id = ?
      """)
    updateHeld = try Statement(connection, "UPDATE request SET state = 6, custody = 1, epoch = NULL WHERE id = ?")
    insertHold = try Statement(
      connection,
      "INSERT INTO budget_hold(request_id, key, amount, blocks, due) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING")
    selectKeys = try Statement(
      connection,
      """
      WITH RECURSIVE k(key) AS (
        SELECT min(key) FROM budget_hold WHERE blocks = 1
        UNION ALL SELECT (SELECT min(h.key) FROM budget_hold h WHERE h.blocks = 1 AND h.key > k.key) FROM k WHERE k.key IS NOT NULL
      )
      SELECT key FROM k WHERE key IS NOT NULL
      """)
    updateBlocking = try Statement(connection, "UPDATE budget_hold SET blocks = key = ?2 WHERE request_id = ?1")
    selectOverdue = try Statement(
      connection, "SELECT request_id FROM budget_hold WHERE blocks = 1 AND due < ? ORDER BY request_id LIMIT ?")
    selectShareKeys = try Statement(connection, "SELECT key, period FROM budget_share WHERE request_id = ?")
    selectHeld = try Statement(
      connection,
      """
      SELECT h.request_id FROM budget_hold h JOIN request r ON r.id = h.request_id
      WHERE h.key = ? AND h.blocks = 1 AND r.state = 6 ORDER BY h.request_id LIMIT ?
      """)
    selectClaims = try Statement(connection, "SELECT key, amount FROM budget_hold WHERE request_id = ? ORDER BY key")
    updateReleased = try Statement(
      connection, "UPDATE request SET state = iif(lane = 1, 0, 1), not_before = ? WHERE id = ? AND state = 6")
    deleteHolds = try Statement(connection, "DELETE FROM budget_hold WHERE request_id = ?")
    claimAlert = try Statement(connection, "UPDATE budget SET alerted = 1 WHERE key = ? AND period = ? AND alerted = 0")
  }

  func balance(of key: BudgetBook.Key) throws -> BudgetBalance? {
    selectBalance.start().bind(key.key)
    selectBalance.bind(key.period)
    return try selectBalance.first { BudgetBalance(spent: $0.integer(0), reserved: $0.integer(1)) }
  }

  func set(_ key: BudgetBook.Key, _ balance: BudgetBalance) throws {
    upsertBalance.start().bind(key.key)
    upsertBalance.bind(key.period)
    upsertBalance.bind(balance.spent)
    upsertBalance.bind(balance.reserved)
    try upsertBalance.run()
  }

  func insert(_ share: BudgetBook.Share) throws {
    insertShare.start().bind(share.request)
    insertShare.bind(share.key.key)
    insertShare.bind(share.key.period)
    insertShare.bind(share.reserved)
    insertShare.bind(share.spent)
    try insertShare.run()
  }

  func update(_ share: BudgetBook.Share) throws {
    updateShare.start().bind(share.reserved)
    updateShare.bind(share.spent)
    updateShare.bind(share.request)
    updateShare.bind(share.key.key)
    try updateShare.run()
  }

  func settled(_ request: Int64) throws -> [SettledShare] {
    selectSettled.start().bind(request)
    return try selectSettled.all { row in
      SettledShare(
        share: BudgetBook.Share(
          request: request, key: BudgetBook.Key(row.text(0), row.timestamp(1)), reserved: row.integer(2),
          spent: row.integer(3)),
        isFinished: row.integer(4) != 0, spentNow: row.integer(5))
    }
  }

  func hold(_ id: Int64, for key: String, _ claims: [BudgetClaim], due: Timestamp?) throws {
    updateHeld.start().bind(id)
    try updateHeld.run()
    for claim in claims {
      insertHold.start().bind(id)
      insertHold.bind(claim.key)
      insertHold.bind(claim.amount?.value ?? 0)
      insertHold.bind(claim.key == key)
      insertHold.bind(due)
      try insertHold.run()
    }
  }

  func heldKeys() throws -> [String] { try selectKeys.start().all { $0.text(0) } }

  func held(of key: String, limit: Int) throws -> [HeldRequest] {
    selectHeld.start().bind(key)
    selectHeld.bind(limit)
    return try selectHeld.all { $0.integer(0) }.map { id in
      selectClaims.start().bind(id)
      return HeldRequest(id: id, claims: try selectClaims.all { (key: $0.text(0), amount: $0.integer(1)) })
    }
  }

  func release(_ id: Int64, at now: Timestamp) throws -> Bool {
    updateReleased.start().bind(now)
    updateReleased.bind(id)
    let released = try updateReleased.run() == 1
    try dropHold(id)
    return released
  }

  func moveHold(_ id: Int64, to key: String) throws {
    updateBlocking.start().bind(id)
    updateBlocking.bind(key)
    try updateBlocking.run()
  }

  func dropHold(_ id: Int64) throws {
    deleteHolds.start().bind(id)
    try deleteHolds.run()
  }

  func overdueHeld(at now: Timestamp, limit: Int) throws -> [Int64] {
    selectOverdue.start().bind(now)
    selectOverdue.bind(limit)
    return try selectOverdue.all { $0.integer(0) }
  }

  func shareKeys(of requests: [Int64]) throws -> [BudgetBook.Key] {
    try requests.flatMap { request in
      selectShareKeys.start().bind(request)
      return try selectShareKeys.all { BudgetBook.Key($0.text(0), $0.timestamp(1)) }
    }
  }

  func claimAlert(_ key: String, period: Timestamp) throws -> Bool {
    claimAlert.start().bind(key)
    claimAlert.bind(period)
    return try claimAlert.run() == 1
  }
}
