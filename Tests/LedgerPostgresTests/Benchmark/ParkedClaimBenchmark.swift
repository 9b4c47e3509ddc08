import BatchCore
import Foundation
import Ledger
import TestSupport
import Testing

@testable import LedgerPostgres

/// What claims of parked rows cost with 1,000 tenants beside one. `Tests/Benchmarks/claims` runs it.
@Suite(
  "Claims of parked rows", .serialized, .timeLimit(.minutes(30)),
  .enabled(if: ProcessInfo.processInfo.environment["MILLRACE_BENCHMARK_CLAIMS"] != nil))
struct ParkedClaimBenchmark {
  @Test(arguments: [1, 1000])
  func claims(tenants: Int) async throws {
    let place = try await PostgresPlace()
    let ledger = try await onThread { try place.open() }
    let benchmark = ParkedBenchmark(ledger)
    try await benchmark.fill(rows: 100_000, tenants: tenants)
    try await place.run("VACUUM ANALYZE millrace.request")
    for line in try await benchmark.measure("Postgres, 100000 rows, \(tenants) tenants", rounds: 200) { print(line) }
    await ledger.close()
    print(try await plan(place, tenants: tenants))
  }

  /// How the server does it: from tenant to tenant, by index only.
  private func plan(_ place: PostgresPlace, tenants: Int) async throws -> String {
    let texts = ["1", "1", "''", "NULL", "129", "128", "1700000000000"]
    let sql = texts.enumerated().reversed().reduce(ParkedStatements.tenantsSQL) { sql, value in
      sql.replacingOccurrences(of: "$\(value.offset + 1)::", with: "\(value.element)::")
    }
    return try await place.connected { connection in
      try connection.simple("SET search_path = millrace")
      let statement = connection.prepare("EXPLAIN (ANALYZE, BUFFERS, COSTS OFF) \(sql)")
      return try statement.start().all { try $0.text(0) }.map { "plan, \(tenants) tenants: \($0)" }.joined(
        separator: "\n")
    }
  }
}
