import BatchCore
import FoundationEssentials
import Ledger

/// Statements about gates that replicas share.
///
/// A gate is read, decided about and written back if nobody wrote it meanwhile: no lock is held between, so that a replica
/// that stops in the middle holds up nobody.
struct GateStatements {
  private let select: PreparedStatement
  private let insert: PreparedStatement
  private let update: PreparedStatement
  private let list: PreparedStatement
  /// A gate that is written by others this often while it is decided about has more replicas than it can serve.
  private static let mostTries = 50

  init(_ connection: PostgresConnection) {
    select = connection.prepare(
      """
      SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint,
        (SELECT coalesce(string_agg(id::text, ' '), '') FROM replica), g.version, g.state
      FROM (VALUES (1)) one LEFT JOIN gate g ON g.account = $1::text AND g.model = $2::text
      """)
    insert = connection.prepare(
      "INSERT INTO gate(account, model, version, state) VALUES ($1::text, $2::text, 1, $3::text) ON CONFLICT DO NOTHING"
    )
    update = connection.prepare(
      """
      UPDATE gate SET version = version + 1, state = $3::text
      WHERE account = $1::text AND model = $2::text AND version = $4::bigint
      """)
    list = connection.prepare(
      """
      SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint, account, model, state FROM gate
      WHERE $1::boolean OR (account, model) IN (SELECT * FROM unnest($2::text[], $3::text[]))
      ORDER BY account, model
      """)
  }

  func exchange(_ report: GateReport, replica: Int64) throws -> PaceGrant {
    try change(report.key) { book, stored in
      guard stored.live.contains(replica) else {
        throw LedgerError(.fenced, "another replica has taken over what this one held")
      }
      return book.exchange(report.report, from: replica, live: stored.live, report.limits, now: stored.now)
    }
  }

  func closeBreaker(_ key: GateKey) throws { try change(key) { book, _ in book.closeBreaker() } }

  func openBreakers(of keys: [GateKey]?) throws -> [OpenBreaker] {
    let row = list.start()
    row.bind(keys == nil)
    row.bind(array: (keys ?? []).map { StoredText($0.account) })
    row.bind(array: (keys ?? []).map { StoredText($0.model) })
    return try row.all { row in
      let now = try row.timestamp(0)
      let key = GateKey(account: try row.text(1), model: try row.text(2))
      return Self.book(try row.text(3)).flatMap { OpenBreaker(key, $0.breaker, now: now) }
    }.compactMap { $0 }
  }

  /// Reads a gate, has it changed, and writes it, again if another wrote it meanwhile.
  private func change<Result>(_ key: GateKey, _ body: (inout PaceBook, Stored) throws -> Result) throws -> Result {
    for _ in 0..<Self.mostTries {
      let stored = try read(key)
      var book = stored.state.flatMap(Self.book) ?? PaceBook(now: stored.now)
      let result = try body(&book, stored)
      let text = String(decoding: try JSONEncoder().encode(book), as: UTF8.self)
      if try write(key, text, after: stored.version) { return result }
    }
    throw LedgerError(.unavailable, "the gate of \(key.model) is written by others all the time")
  }

  /// A state that cannot be read, as after a change of its form, is learned anew.
  private static func book(_ text: String) -> PaceBook? {
    try? JSONDecoder().decode(PaceBook.self, from: Data(text.utf8))
  }

  private struct Stored {
    var now: Timestamp
    var live: Set<Int64>
    var version: Int64?
    var state: String?
  }

  private func read(_ key: GateKey) throws -> Stored {
    select.start().bind(StoredText(key.account))
    select.bind(StoredText(key.model))
    let found = try select.first { row in
      Stored(
        now: try row.timestamp(0), live: Set(try row.text(1).split(separator: " ").compactMap { Int64($0) }),
        version: try row.optionalInteger(2), state: try row.optionalText(3))
    }
    guard let found else { throw DamagedGate() }
    return found
  }

  /// Returns false if another wrote it meanwhile.
  private func write(_ key: GateKey, _ text: String, after version: Int64?) throws -> Bool {
    let statement = version == nil ? insert : update
    statement.start().bind(StoredText(key.account))
    statement.bind(StoredText(key.model))
    statement.bind(text)
    if let version { statement.bind(version) }
    return try statement.run() == 1
  }

  private struct DamagedGate: Error {}
}
