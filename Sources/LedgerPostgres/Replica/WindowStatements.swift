import BatchCore
import LedgerRules

/// Statements about which replica runs which window, and about rows that are offered to it.
struct WindowStatements {
  private let insertOwners: PreparedStatement
  private let takeOwners: PreparedStatement
  private let selectOwn: PreparedStatement
  private let insertOffer: PreparedStatement
  private let deleteOffers: PreparedStatement

  init(_ connection: PostgresConnection) throws {
    insertOwners = connection.prepare(
      """
      INSERT INTO window_owner(key, owner) SELECT unnest($1::text[]), $2::bigint ON CONFLICT (key) DO NOTHING
      """)
    takeOwners = connection.prepare(
      """
      UPDATE window_owner w SET owner = $2::bigint WHERE w.key = ANY($1::text[])
        AND NOT EXISTS (SELECT FROM replica r WHERE r.id = w.owner)
      """)
    selectOwn = connection.prepare("SELECT key FROM window_owner WHERE key = ANY($1::text[]) AND owner = $2::bigint")
    insertOffer = connection.prepare(
      """
      INSERT INTO window_offer(owner, request_ids) SELECT owner, $2::bigint[] FROM window_owner WHERE key = $1::text
      """)
    deleteOffers = connection.prepare(
      """
      WITH taken AS (DELETE FROM window_offer WHERE owner = $1::bigint RETURNING request_ids)
      SELECT unnest(request_ids) FROM taken
      """)
  }

  /// Those of the keys that are the replica's, after it has taken what is nobody's.
  func run(_ keys: [String], by replica: Int64) throws -> Set<String> {
    for statement in [insertOwners, takeOwners, selectOwn] {
      statement.start().bind(array: keys)
      statement.bind(replica)
    }
    try insertOwners.run()
    try takeOwners.run()
    return Set(try selectOwn.all { try $0.text(0) })
  }

  func offer(_ rows: [(key: String, rows: [Int64])]) throws {
    for offer in rows {
      insertOffer.start().bind(offer.key)
      insertOffer.bind(array: offer.rows)
      try insertOffer.run()
    }
  }

  func takeOffers(to replica: Int64) throws -> [Int64] {
    deleteOffers.start().bind(replica)
    return try deleteOffers.all { try $0.integer(0) }
  }
}

extension WindowKey {
  /// One key, one text: the parts with their lengths in front.
  var text: String {
    "\(lane.rawValue):\(endpoint.rawValue):\(deadlineClass):\(provider.utf8.count):\(provider):\(model)"
  }
}

extension WriteSession {
  func runWindows(_ keys: [WindowKey]) throws -> Set<WindowKey> {
    let names = Dictionary(keys.map { ($0.text, $0) }, uniquingKeysWith: { first, _ in first })
    // In one order everywhere, so that no two replicas wait for each other in a ring.
    let own = try statements().windows.run(names.keys.sorted(), by: replica)
    return Set(own.compactMap { names[$0] })
  }

  /// Leaves the replicas; what is left here is free for the others.
  func leave() throws { try statements().replicas.leave(replica) }
}
