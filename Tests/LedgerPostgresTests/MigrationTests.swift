import BatchCore
import Ledger
import TestSupport
import Testing
import Threading
import Wire

@testable import LedgerPostgres

@Suite("Postgres ledger: migration", .timeLimit(.minutes(4)), .serialized)
struct MigrationTests {
  /// As replicas do that start at once on an empty database: one makes the tables and the others wait for it.
  @Test(arguments: 1...5)
  func manyAtOnce(round: Int) async throws {
    let database = try await PostgresPlace()
    let lines = try await withThrowingTaskGroup(of: String.self) { group in
      for _ in 0..<8 {
        group.addTask { [url = database.url] in try await onThread { try PostgresLedger.migrate(url: url) } }
      }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    #expect(lines.filter { $0.contains("from schema version 0") }.count == 1)
    #expect(lines.filter { $0.contains("nothing to do") || $0.contains("from schema version 0") }.count == 8)
    withExtendedLifetime(database) {}
  }

  /// A ledger of every older version gets what later ones added, and serves.
  @Test(arguments: 1..<Int(Schema.version))
  func olderVersions(found: Int) async throws {
    let database = try await PostgresPlace()
    try await make(found, in: database)
    let ledger = try await TestLedger(LedgerPlace { [url = database.url] in try PostgresLedger.open(url: url) })
    let row = try await ledger.admit(TestDelivery("a") { $0.deadline = ledger.now + .seconds(60) })
    #expect(try await ledger.store.dueRows(TestDelivery("a").route, after: ledger.now, limit: 9).map(\.count) == [1])
    try await ledger.succeed(row.id)
    let query = CostQuery(dimensions: [.tenant], days: 0...100_000, limit: 9)
    #expect(try await ledger.store.costs(query).total.cost == 7)
    #expect(try await ledger.store.describe().contains("schema version \(Schema.version)"))
    await ledger.close()
    withExtendedLifetime(database) {}
  }

  /// Tables as the first versions made them.
  private func make(_ version: Int, in database: PostgresPlace) async throws {
    try await database.connected { connection in
      try connection.simple(
        """
        CREATE SCHEMA millrace; SET search_path = millrace;
        CREATE TABLE meta(name text PRIMARY KEY, value bigint NOT NULL);
        INSERT INTO meta(name, value) VALUES ('version', \(version))
        """)
      for step in Schema.steps[..<version] { try connection.simple(step) }
    }
  }

  /// An index of a large ledger takes longer than a statement of the service may.
  @Test("a migration may take longer than any statement of the service")
  func takesItsTime() async throws {
    let database = try await PostgresPlace()
    try await make(2, in: database)
    let notes = Locked([String]())
    let holds = Gate()
    holds.shut()
    async let holder: Void = database.connected { connection in
      try connection.simple("BEGIN; SELECT pg_advisory_xact_lock(\(0x4D4C_5243 as Int64))")
      holds.open()
      // Ten times what a statement of the session below may take.
      try connection.simple("SELECT pg_sleep(2); COMMIT")
    }
    try #require(await holds.passUnlessCancelled())
    let outcome = try await onThread { [url = database.url] in
      let parameters = try PostgresParameters(url: url, statementTimeout: .milliseconds(200))
      return try Migration.run(parameters, place: "test") { line in notes.withLock { $0.append(line) } }
    }
    try await holder
    #expect(outcome == Migration.Outcome(found: 2, now: Schema.version))
    #expect(notes.withLock { $0 }.contains { $0.contains("another process migrates it") })
    #expect(notes.withLock { $0 }.contains { $0.contains("from schema version 2 to \(Schema.version)") })
    withExtendedLifetime(database) {}
  }

  /// Whoever comes after a migration that waits for a table waits too: it gives up soon, and may be tried again.
  @Test("a migration does not wait for long for a table that is in use")
  func waitsForNoTable() async throws {
    let database = try await PostgresPlace()
    try await make(2, in: database)
    let user = try await onThread { [url = database.url] in
      let connection = try TestPostgres.connect(url)
      defer { connection.close() }
      try connection.simple("BEGIN; SELECT count(*) FROM millrace.request")
      do {
        _ = try Migration.run(
          try PostgresParameters(url: url), place: "test", lockTimeout: .milliseconds(100))
        return PostgresFailure?.none
      } catch let failure as PostgresFailure {
        return failure
      }
    }
    #expect(user?.kind == .lockTimeout)
    let line = try await onThread { [url = database.url] in try PostgresLedger.migrate(url: url) }
    #expect(line.contains("from schema version 2 to \(Schema.version)"))
    withExtendedLifetime(database) {}
  }

  /// Nobody knows which queue would bring them again, so nobody ends them.
  @Test("marks from before their queue was kept stay")
  func olderMarks() async throws {
    let database = try await PostgresPlace()
    let ledger = try await TestLedger(database.place)
    let deliveries = [TestDelivery("a") { $0.kind = .fingerprint }, .interactive("b") { $0.kind = .fingerprint }]
    let rows = try await ledger.admit(deliveries[0], deliveries[1])
    try await database.run("UPDATE millrace.request SET flags = flags & ~48")
    for queue in Lane.allCases { #expect(try await ledger.store.marks(of: queue, limit: 9).isEmpty) }
    let again = deliveries[0].with {
      $0.redelivered = true
      $0.generation = 2
    }
    #expect(try await ledger.admit(again).id == rows[0].id)
    await ledger.close()
    withExtendedLifetime(database) {}
  }
}
