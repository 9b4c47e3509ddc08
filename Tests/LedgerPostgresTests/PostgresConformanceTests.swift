import TestSupport
import Testing

@Suite("Postgres ledger: conformance", .timeLimit(.minutes(5)), .serialized)
struct PostgresConformanceTests {
  @Test("holds", arguments: LedgerConformance.cases)
  func holds(_ statement: LedgerConformance.Case) async throws {
    let database = try PostgresPlace()
    try await statement.run(database.place)
    withExtendedLifetime(database) {}
  }

  @Test("agrees with the model", arguments: 1...6 as ClosedRange<UInt64>)
  func walk(seed: UInt64) async throws {
    let database = try PostgresPlace()
    try await LedgerRandomWalk.run(in: database.place, seed: seed, steps: 400)
    withExtendedLifetime(database) {}
  }
}
