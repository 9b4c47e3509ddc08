import TestSupport
import Testing

@Suite("SQLite ledger: conformance", .timeLimit(.minutes(4)))
struct SQLiteConformanceTests {
  @Test("holds", arguments: LedgerConformance.cases)
  func holds(_ statement: LedgerConformance.Case) async throws {
    let files = try SQLitePlace()
    try await statement.run(files.place)
    withExtendedLifetime(files) {}
  }
}
