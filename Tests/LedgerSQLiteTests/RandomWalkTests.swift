import TestSupport
import Testing

@Suite("SQLite ledger: random walks", .timeLimit(.minutes(4)))
struct RandomWalkTests {
  @Test("agrees with the model", arguments: 1...12 as ClosedRange<UInt64>)
  func walk(seed: UInt64) async throws {
    let files = try SQLitePlace()
    try await LedgerRandomWalk.run(in: files.place, seed: seed, steps: 400)
    withExtendedLifetime(files) {}
  }
}
