import BatchCore
import Ledger
import LedgerRules

/// Statements that remove what is kept no longer.
///
/// What may go is locked first and looked at then: a reply that is asked for again in that moment either is seen in the
/// outbox, or finds its request gone.
struct RetentionStatements {
  private let lockOld: PreparedStatement
  private let selectFollowed: PreparedStatement
  private let selectPinned: PreparedStatement
  private let deleteRequests: PreparedStatement
  private let deleteBatches: PreparedStatement
  private let deleteBudgets: PreparedStatement
  private let selectCursor: PreparedStatement
  private let lockNext: PreparedStatement
  private let deleteBodies: PreparedStatement
  private let dropResponses: PreparedStatement
  private let updateCursor: PreparedStatement

  init(_ connection: PostgresConnection) throws {
    // A leader's subscribers have the places after its own.
    let subscribers = "s.call_key = r.call_key AND s.ordinal > r.ordinal AND s.ordinal < r.ordinal + 4294967296"
    // A leader stays with its subscribers.
    let isFollowed = """
      (r.kind = \(RowKind.leader.rawValue) AND EXISTS (SELECT FROM request s WHERE \(subscribers)))
      """
    // While an attempt of it runs in a batch, what that costs is still to be noted.
    lockOld = connection.prepare(
      """
      SELECT id FROM request r WHERE state = 5 AND completed_at < $1::bigint AND running_attempt IS NULL
        AND NOT EXISTS (SELECT FROM outbox o WHERE o.request_id = r.id) AND NOT \(isFollowed)
      ORDER BY completed_at, id LIMIT $2::bigint FOR UPDATE SKIP LOCKED
      """)
    selectFollowed = connection.prepare("SELECT id FROM request r WHERE id = ANY($1::bigint[]) AND \(isFollowed)")
    // Also a leader whose answer a subscriber is still to get, however old the leader is.
    selectPinned = connection.prepare(
      """
      SELECT request_id FROM outbox WHERE request_id = ANY($1::bigint[])
      UNION ALL SELECT leader_id FROM request WHERE leader_id = ANY($1::bigint[]) AND state = 4
      UNION ALL SELECT s.leader_id FROM outbox o JOIN request s ON s.id = o.request_id
        WHERE s.leader_id = ANY($1::bigint[])
      UNION ALL SELECT r.id FROM request r WHERE r.id = ANY($1::bigint[]) AND r.kind = \(RowKind.leader.rawValue)
        AND EXISTS (SELECT FROM request s JOIN outbox o ON o.request_id = s.id WHERE \(subscribers))
      """)
    deleteRequests = connection.prepare(
      """
      WITH old AS (SELECT id, answer_id FROM request WHERE id = ANY($1::bigint[])),
        answers AS (DELETE FROM attempt a USING old WHERE a.id = old.answer_id),
        attempts AS (DELETE FROM attempt a USING old WHERE a.request_id = old.id AND a.outcome <> 0),
        shares AS (DELETE FROM budget_share s USING old WHERE s.request_id = old.id),
        bodies AS (DELETE FROM body b USING old WHERE b.request_id = old.id)
      DELETE FROM request r USING old WHERE r.id = old.id
      """)
    deleteBatches = connection.prepare(
      """
      DELETE FROM batch WHERE id = ANY(ARRAY(
        SELECT id FROM batch b WHERE state >= 3 AND ended_at < $1::bigint
          AND (double_spend_at IS NULL OR double_spend_at < $3::bigint) AND NOT EXISTS (
          SELECT FROM request r WHERE r.state = 5 AND r.completed_at < $1::bigint AND r.batch_id = b.id)
        ORDER BY ended_at, id LIMIT $2::bigint))
      """)
    // Later than any request of theirs is kept; one that still ends makes its own anew, where it counts for nothing.
    deleteBudgets = connection.prepare("DELETE FROM budget WHERE period < $1::bigint")
    selectCursor = connection.prepare(
      """
      SELECT coalesce(max(value) FILTER (WHERE name = 'bodies_dropped_at'), -9223372036854775808),
        coalesce(max(value) FILTER (WHERE name = 'bodies_dropped_id'), 0) FROM meta
      """)
    lockNext = connection.prepare(
      """
      SELECT id, completed_at, answer_id FROM request
      WHERE state = 5 AND (completed_at, id) > ($1::bigint, $2::bigint) AND completed_at < $3::bigint
      ORDER BY completed_at, id LIMIT $4::bigint FOR UPDATE
      """)
    deleteBodies = connection.prepare("DELETE FROM body WHERE request_id = ANY($1::bigint[])")
    dropResponses = connection.prepare(
      """
      WITH dropped AS (
        UPDATE attempt SET response = NULL WHERE id = ANY($1::bigint[]) AND response IS NOT NULL RETURNING request_id
      )
      UPDATE request r SET flags = flags | \(RowFlags.forgotten.rawValue) FROM dropped d WHERE r.id = d.request_id
      """)
    updateCursor = connection.prepare(
      """
      INSERT INTO meta(name, value) VALUES ('bodies_dropped_at', $1::bigint), ('bodies_dropped_id', $2::bigint)
      ON CONFLICT (name) DO UPDATE SET value = excluded.value
      """)
  }

  private func found(by statement: PreparedStatement, among ids: [Int64]) throws -> Set<Int64> {
    statement.start().bind(array: ids)
    return Set(try statement.all { try $0.integer(0) })
  }

  func removeRequests(before: Timestamp, limit: Int) throws -> Int {
    lockOld.start().bind(before.milliseconds)
    lockOld.bind(Int64(limit))
    let found = try lockOld.all { try $0.integer(0) }
    if found.isEmpty { return 0 }
    let pinned = try self.found(by: selectPinned, among: found).union(try self.found(by: selectFollowed, among: found))
    deleteRequests.start().bind(array: found.filter { !pinned.contains($0) })
    return try deleteRequests.run()
  }

  /// Batches of which nothing old is left.
  func removeBatches(before: Timestamp, limit: Int) throws -> Int {
    deleteBudgets.start().bind((before + .seconds(-2 * 31 * 86_400)).milliseconds)
    try deleteBudgets.run()
    deleteBatches.start().bind(before.milliseconds)
    deleteBatches.bind(Int64(limit))
    // What was paid twice within the day counts against its limit, and now is later than that.
    deleteBatches.bind(SpendLimit.since(before).milliseconds)
    return try deleteBatches.run()
  }

  /// Drops bodies and responses in the order in which their requests finished, up to one whose reply is still to come.
  /// Looks at at most `limit` requests. Returns how many were dropped, and whether there is more.
  func dropBodies(before: Timestamp, limit: Int) throws -> (dropped: Int, isAtEnd: Bool) {
    guard let start = try selectCursor.start().first({ (at: try $0.integer(0), id: try $0.integer(1)) }) else {
      return (0, true)
    }
    lockNext.start().bind(start.at)
    lockNext.bind(start.id)
    lockNext.bind(before.milliseconds)
    lockNext.bind(Int64(limit))
    let found = try lockNext.all {
      (id: try $0.integer(0), at: try $0.integer(1), answer: try $0.optionalInteger(2))
    }
    let pinned = try self.found(by: selectPinned, among: found.map(\.id))
    let free = found.prefix { !pinned.contains($0.id) }
    guard let last = free.last else { return (0, true) }
    deleteBodies.start().bind(array: free.map(\.id))
    dropResponses.start().bind(array: free.compactMap(\.answer))
    let dropped = try deleteBodies.run() + dropResponses.run()
    updateCursor.start().bind(last.at)
    updateCursor.bind(last.id)
    try updateCursor.run()
    return (dropped, found.count < limit || free.count < found.count)
  }
}
