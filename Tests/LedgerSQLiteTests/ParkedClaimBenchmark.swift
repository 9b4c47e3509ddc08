import Foundation
import Ledger
import LedgerSQLite
import TestSupport
import Testing

/// What claims of parked rows cost with 1,000 tenants beside one. `Tests/Benchmarks/claims` runs it.
@Suite(
  "SQLite: claims of parked rows", .serialized, .timeLimit(.minutes(30)),
  .enabled(if: ProcessInfo.processInfo.environment["MILLRACE_BENCHMARK_CLAIMS"] != nil))
struct ParkedClaimBenchmark {
  @Test(arguments: [1, 1000])
  func claims(tenants: Int) async throws {
    let files = try SQLitePlace()
    let ledger = try await files.place.open()
    let benchmark = ParkedBenchmark(ledger)
    try await benchmark.fill(rows: 100_000, tenants: tenants)
    for line in try await benchmark.measure("SQLite, 100000 rows, \(tenants) tenants", rounds: 200) { print(line) }
    await ledger.close()
  }
}
