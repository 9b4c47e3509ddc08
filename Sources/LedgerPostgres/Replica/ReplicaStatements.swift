import BatchCore
import Ledger
import LedgerRules

/// Statements about who lives, and about the work of those who don't.
struct ReplicaStatements {
  private let tryLock: PreparedStatement
  private let selectLive: PreparedStatement
  private let selectOthers: PreparedStatement
  private let fence: PreparedStatement
  private let deleteOwn: PreparedStatement
  private let deleteMark: PreparedStatement
  private let endSession: PreparedStatement
  private let insertGone: PreparedStatement
  private let selectGone: PreparedStatement
  private let takeBatches: PreparedStatement
  private let insertLost: PreparedStatement
  private let parkClaims: PreparedStatement
  private let selectReplies: PreparedStatement
  private let takeReplies: PreparedStatement
  private let deleteWindows: PreparedStatement
  private let deleteOffers: PreparedStatement
  private let deleteGone: PreparedStatement

  init(_ connection: PostgresConnection) throws {
    tryLock = connection.prepare("SELECT pg_try_advisory_xact_lock($1::bigint)")
    selectLive = connection.prepare("SELECT 1::bigint FROM replica WHERE id = $1::bigint")
    selectOthers = connection.prepare(
      "SELECT id, process, renewals, lease_ms FROM replica WHERE id <> $1::bigint ORDER BY id")
    // Whoever is in the middle of a transaction keeps its row until that ends; the server ends one that idles.
    fence = connection.prepare(
      """
      DELETE FROM replica WHERE id IN (
        SELECT id FROM replica
        WHERE id = $1::bigint AND renewals = $2::bigint FOR UPDATE SKIP LOCKED
      ) RETURNING id
      """)
    deleteOwn = connection.prepare("DELETE FROM replica WHERE id = $1::bigint")
    deleteMark = connection.prepare("DELETE FROM commit_mark WHERE replica = $1::bigint")
    // One that is frozen while the server writes to it neither idles nor ends.
    endSession = connection.prepare(
      """
      SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE datname = current_database() AND usename = current_user AND application_name LIKE '%' || $1::text
      """)
    insertGone = connection.prepare("INSERT INTO gone(id) SELECT unnest($1::bigint[]) ON CONFLICT DO NOTHING")
    selectGone = connection.prepare("SELECT id FROM gone ORDER BY id")
    takeBatches = connection.prepare(
      """
      UPDATE batch SET owner = $1::bigint WHERE id IN (
        SELECT id FROM batch WHERE state <= 2 AND owner = ANY($2::bigint[]) ORDER BY id LIMIT $3::bigint
      ) RETURNING \(BatchRecord.columns)
      """)
    insertLost = connection.prepare(
      """
      INSERT INTO attempt(id, request_id, attempt, outcome, basis, cost_unknown, ended_at, route, held)
      SELECT $1::bigint, r.id, r.attempt_no, \(AttemptEnd.lost.rawValue), \(CostBasis.unknown.rawValue), true, $2::bigint,
        r.route, r.call_ceiling
      FROM request r WHERE r.id = $3::bigint ON CONFLICT DO NOTHING RETURNING id
      """)
    parkClaims = connection.prepare(
      """
      UPDATE request SET state = 1, owner = NULL, attempts = attempts + 1 WHERE id IN (
        SELECT id FROM request WHERE state = 2 AND owner = ANY($1::bigint[]) AND custody = 1
        ORDER BY id LIMIT $2::bigint
      ) RETURNING id
      """)
    selectReplies = connection.prepare(
      "SELECT owner, seq FROM outbox WHERE owner = ANY($1::bigint[]) ORDER BY seq LIMIT $2::bigint")
    takeReplies = connection.prepare(
      """
      UPDATE outbox o SET owner = $1::bigint, seq = n.place
      FROM unnest($2::bigint[], $3::bigint[], $4::bigint[]) AS n(owner, seq, place)
      WHERE o.owner = n.owner AND o.seq = n.seq
      """)
    deleteWindows = connection.prepare("DELETE FROM window_owner WHERE owner = ANY($1::bigint[])")
    // Also what was offered to one that went in that moment, and is named nowhere any more.
    deleteOffers = connection.prepare(
      "DELETE FROM window_offer o WHERE NOT EXISTS (SELECT FROM replica r WHERE r.id = o.owner)")
    deleteGone = connection.prepare(
      """
      DELETE FROM gone g WHERE g.id = ANY($1::bigint[])
        AND NOT EXISTS (SELECT FROM batch WHERE owner = g.id AND state <= 2)
        AND NOT EXISTS (SELECT FROM request WHERE owner = g.id AND state = 2 AND custody = 1)
        AND NOT EXISTS (SELECT FROM outbox WHERE owner = g.id)
      """)
  }

  // MARK: Who lives

  func isLive(_ replica: Int64) throws -> Bool {
    selectLive.start().bind(replica)
    return try selectLive.first { _ in true } ?? false
  }

  func others(than replica: Int64) throws -> [Other] {
    selectOthers.start().bind(replica)
    return try selectOthers.all { row in
      Other(
        id: try row.integer(0), process: ProcessIdentity(text: try row.text(1)), renewals: try row.integer(2),
        lease: .milliseconds(try row.integer(3)))
    }
  }

  /// Another replica as its row shows it.
  struct Other {
    var id: Int64
    var process: ProcessIdentity
    var renewals: Int64
    var lease: Duration
  }

  /// Ends a replica's life in the ledger: it cannot write from here on. False while it is in the middle of a transaction,
  /// or when it has renewed its lease.
  func fence(_ other: Other) throws -> Bool {
    fence.start().bind(other.id)
    fence.bind(other.renewals)
    guard try fence.first({ _ in true }) ?? false else { return false }
    try addGone(other.id)
    return true
  }

  /// A replica ends by itself.
  func leave(_ replica: Int64) throws {
    deleteOwn.start().bind(replica)
    try deleteOwn.run()
    try addGone(replica)
  }

  /// Ends the session that a replica writes through, and with it the transaction that keeps it from being fenced.
  func endSession(of other: Other) throws {
    endSession.start().bind(WriteSession.nameEnding(of: other.id))
    try endSession.run()
  }

  private func addGone(_ replica: Int64) throws {
    // Nobody asks any more what it committed: it would have to write first.
    deleteMark.start().bind(replica)
    try deleteMark.run()
    insertGone.start().bind(array: [replica])
    try insertGone.run()
  }

  /// One replica takes over at a time. Until the transaction ends.
  func lockTakeOver() throws -> Bool {
    tryLock.start().bind(Self.takeOverLock)
    return try tryLock.first { try $0.bool(0) } ?? false
  }

  /// "mr" and a number, beside the numbers of identities.
  private static let takeOverLock: Int64 = 0x6D72_0001

  func gone() throws -> [Int64] { try selectGone.start().all { try $0.integer(0) } }

  // MARK: Their work

  func takeBatches(of gone: [Int64], limit: Int, for replica: Int64) throws -> [BatchRecord] {
    takeBatches.start().bind(replica)
    takeBatches.bind(array: gone)
    takeBatches.bind(Int64(limit))
    return try takeBatches.all(BatchRecord.init).sorted { $0.id < $1.id }
  }

  /// Calls that were taken from the parked rows and not ended: sent again, and perhaps paid already. Claims for messages
  /// that the broker holds wait for their redelivery.
  func parkClaims(of gone: [Int64], limit: Int, at now: Timestamp, makeID: () throws -> Int64) throws
    -> (requests: [Int64], lost: [Int64])
  {
    parkClaims.start().bind(array: gone)
    parkClaims.bind(Int64(limit))
    let rows = try parkClaims.all { try $0.integer(0) }
    var lost: [Int64] = []
    for row in rows {
      insertLost.start().bind(try makeID())
      insertLost.bind(now.milliseconds)
      insertLost.bind(row)
      lost += try insertLost.all { try $0.integer(0) }
    }
    return (rows, lost)
  }

  /// They get places at the end of their part, in the same order, so that the new owner finds them.
  func takeReplies(
    of gone: [Int64], limit: Int, for replica: Int64, makePlace: (ReplyUrgency) throws -> Int64
  ) throws -> Int {
    selectReplies.start().bind(array: gone)
    selectReplies.bind(Int64(limit))
    let found = try selectReplies.all { (owner: try $0.integer(0), seq: try $0.integer(1)) }
    if found.isEmpty { return 0 }
    takeReplies.start().bind(replica)
    takeReplies.bind(array: found.map(\.owner))
    takeReplies.bind(array: found.map(\.seq))
    takeReplies.bind(array: try found.map { try makePlace(ReplyPlace.urgency(of: $0.seq)) })
    try takeReplies.run()
    return found.count
  }

  /// Returns whether there were any.
  func dropWindows(of gone: [Int64]) throws -> Bool {
    deleteWindows.start().bind(array: gone)
    return try deleteWindows.run() > 0
  }

  func dropOffers() throws { try deleteOffers.start().run() }

  /// Forgets those who have nothing left.
  func forget(_ gone: [Int64]) throws {
    deleteGone.start().bind(array: gone)
    try deleteGone.run()
  }
}
