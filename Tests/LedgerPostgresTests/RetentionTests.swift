import BatchCore
import Ledger
import LedgerRules
import TestSupport
import Testing

@testable import LedgerPostgres

@Suite("Postgres ledger: retention", .timeLimit(.minutes(3)), .serialized)
struct PostgresRetentionTests {
  private static let kept = Duration.seconds(300)
  private static let tables = ["request", "body", "attempt", "batch", "outbox"]

  /// Requests come, are answered and delivered, and time goes on.
  private func round(_ number: Int, _ ledger: TestLedger, requests: Int, bytes: Int = 3000) async throws {
    let body = Self.text(bytes)
    let deliveries = (0..<requests).map { index in TestDelivery("\(number)-\(index)") { $0.body = body } }
    let rows = try await ledger.store.admit(deliveries.map { $0.request(at: ledger.now) }, at: ledger.now)
    let batch = try unwrap(try await ledger.plan(rows.map(\.id)).batch)
    let answer = Self.text(bytes)
    let outcomes = rows.shuffled().map { TestLedger.success($0.id, batch: batch.id, answer) }
    _ = try await ledger.store.record(outcomes, at: ledger.now)
    try await ledger.store.settle(batch.id, at: ledger.now)
    try await ledger.deliver()
    ledger.advance(by: .seconds(100))
  }

  /// Text that the server cannot compress away.
  private static func text(_ bytes: Int) -> String {
    String(decoding: (0..<bytes).map { _ in UInt8.random(in: 97...122) }, as: UTF8.self)
  }

  private func purge(_ ledger: TestLedger, kept: Duration = kept, limit: Int = 50) async throws -> PurgedRows {
    var sum = PurgedRows()
    while true {
      let step = try await ledger.store.purge(
        finishedBefore: ledger.now + (.zero - kept), bodiesBefore: ledger.now + (.zero - kept / 3), limit: limit)
      sum.requests += step.requests
      sum.bodies += step.bodies
      sum.batches += step.batches
      if step.requests < limit && step.bodies < limit && step.batches < limit { return sum }
    }
  }

  /// On a server of its own: a page that was emptied is free again when no transaction of the whole server is older, and
  /// other tests have some that last for as long as this one.
  @Test("what was removed makes room for what comes: tables and indexes stay bounded")
  func soak() async throws {
    // The server's own vacuum comes when it likes; here it comes after each round.
    try await PrivatePostgres.with(configuration: "autovacuum = off\n") { server in
      try await soak(PostgresPlace(server: try server.url()))
    }
  }

  private func soak(_ database: PostgresPlace) async throws {
    let ledger = try await TestLedger(database.place)
    var sizes: [[String: Int64]] = []
    var purged = PurgedRows()
    for number in 0..<40 {
      try await round(number, ledger, requests: 120)
      let step = try await purge(ledger)
      purged.requests += step.requests
      purged.batches += step.batches
      sizes.append(try await vacuumed(database))
    }
    // Three rounds are kept whole, and the bodies of one of them.
    #expect(purged.requests == 37 * 120)
    #expect(purged.batches == 37)
    for name in sizes[0].keys.sorted() {
      // The size settles in some rounds. One that grew with every round would double in the second half.
      let early = try #require(sizes[..<20].compactMap { $0[name] }.max())
      let late = sizes[20...].compactMap { $0[name] }
      let bound = early + early / 4 + 32_768
      #expect(late.allSatisfy { $0 <= bound }, "\(name): \(sizes.map { $0[name] ?? -1 })")
    }
    #expect(try await ledger.admit(TestDelivery("39-0") { $0.body = "another" }).kind != .answered)
    await ledger.close()
    withExtendedLifetime(database) {}
  }

  /// Bytes of every table, with what is stored aside, and of every index, after a vacuum.
  private func vacuumed(_ database: PostgresPlace) async throws -> [String: Int64] {
    for table in Self.tables { try await database.run("VACUUM millrace.\(table)") }
    return try await database.connected { connection in
      let statement = connection.prepare(
        """
        SELECT c.relname, pg_relation_size(c.oid) + coalesce(pg_relation_size(nullif(c.reltoastrelid, 0)), 0)
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = 'millrace' AND c.relkind IN ('r', 'i')
        """)
      let rows = try statement.start().all { (try $0.text(0), try $0.integer(1)) }
      return Dictionary(uniqueKeysWithValues: rows)
    }
  }

  @Test("a purge costs what it removes, not what is kept")
  func cost() async throws {
    let small = try await cost(ofRounds: 20)
    let large = try await cost(ofRounds: 160)
    let (few, many) = (small.values.reduce(0, +), large.values.reduce(0, +))
    #expect(many <= few + few / 2, "rows looked at with 800 kept: \(few), \(small); with 6,400: \(many), \(large)")
  }

  /// How many rows and index entries a purge of one round of 40 looks at, with so many rounds kept.
  private func cost(ofRounds rounds: Int) async throws -> [String: Int64] {
    let database = try await PostgresPlace()
    let ledger = try await TestLedger(database.place)
    // Wide rows, so that reading a table from end to end is never cheaper than its index for want of pages.
    for number in 0...rounds { try await round(number, ledger, requests: 40, bytes: 1500) }
    await ledger.close()
    // As the server's own vacuum keeps it in a service that runs.
    try await database.run("VACUUM ANALYZE")
    let before = try await rowsRead(database)
    let kept = Duration.seconds(100 * rounds + 50)
    try await ledger.reopen()
    let purged = try await ledger.store.purge(
      finishedBefore: ledger.now + (.zero - kept), bodiesBefore: ledger.now + (.zero - kept), limit: 500)
    #expect(purged.requests == 40 && purged.batches == 1, "\(purged)")
    for _ in 0..<5 {
      let nothing = try await ledger.store.purge(
        finishedBefore: ledger.now + (.zero - kept), bodiesBefore: ledger.now + (.zero - kept), limit: 500)
      #expect(nothing.requests == 0 && nothing.batches == 0, "\(nothing)")
    }
    await ledger.close()
    let read = try await rowsRead(database).merging(before, uniquingKeysWith: -)
    withExtendedLifetime(database) {}
    return read
  }

  /// How many rows and index entries statements have read so far, by table and by index.
  private func rowsRead(_ database: PostgresPlace) async throws -> [String: Int64] {
    // The server counts what a session has read when that ends.
    try await eventually("the sessions of the ledger to end") {
      try await database.connected { connection in
        try connection.prepare("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
          .start().first { try $0.integer(0) } == 1
      }
    }
    return try await database.connected { connection in
      let statement = connection.prepare(
        """
        SELECT relname, seq_tup_read FROM pg_stat_user_tables WHERE schemaname = 'millrace'
        UNION ALL SELECT indexrelname, idx_tup_read FROM pg_stat_user_indexes WHERE schemaname = 'millrace'
        """)
      let rows = try statement.start().all { (try $0.text(0), try $0.integer(1)) }
      return Dictionary(uniqueKeysWithValues: rows)
    }
  }

  @Test("the steps go on where the last process was")
  func restart() async throws {
    let database = try await PostgresPlace()
    let ledger = try await TestLedger(database.place)
    for number in 0..<8 {
      try await round(number, ledger, requests: 30)
      _ = try await purge(ledger)
      try await ledger.reopen()
    }
    let counts = try await database.connected { connection in
      try ["request", "attempt", "body", "batch", "attempt WHERE response IS NOT NULL"].map { table in
        try connection.prepare("SELECT count(*) FROM millrace.\(table)").start().first { try $0.integer(0) } ?? -1
      }
    }
    // One round is as old as the cutoff and not older.
    #expect(counts == [90, 90, 30, 3, 30])
    await ledger.close()
    withExtendedLifetime(database) {}
  }

  @Test("two replicas that purge at once remove each request once")
  func together() async throws {
    let database = try await PostgresPlace()
    let ledger = try await TestLedger(database.place)
    for number in 0..<10 { try await round(number, ledger, requests: 60, bytes: 10) }
    let other = try database.open()
    let now = ledger.now
    let purged = try await withThrowingTaskGroup(of: PurgedRows.self) { group in
      for store in [ledger.store, other] {
        group.addTask {
          var sum = PurgedRows()
          for _ in 0..<60 {
            let step = try await store.purge(finishedBefore: now, bodiesBefore: now, limit: 25)
            sum.requests += step.requests
            sum.batches += step.batches
          }
          return sum
        }
      }
      return try await group.reduce(into: PurgedRows()) { sum, next in
        sum.requests += next.requests
        sum.batches += next.batches
      }
    }
    #expect(purged.requests == 600 && purged.batches == 10, "\(purged)")
    await other.close()
    await ledger.close()
    withExtendedLifetime(database) {}
  }
}
