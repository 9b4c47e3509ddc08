import LedgerPostgres
import Testing

@Suite("Postgres ledger: migration", .timeLimit(.minutes(2)), .serialized)
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
}
