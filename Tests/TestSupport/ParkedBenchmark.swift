import BatchCore
public import Ledger

/// What claims of parked rows cost, with many rows of many tenants parked beside few of one.
public struct ParkedBenchmark: Sendable {
  private let now = Timestamp(milliseconds: 1_700_000_000_000)
  private let store: any LedgerStore
  private let clock = ContinuousClock()
  public static let line = ParkedLine(route: TestDelivery("").route, callClass: .deferred)

  public init(_ store: any LedgerStore) {
    self.store = store
  }

  /// Parks as many rows of each tenant.
  public func fill(rows: Int, tenants: Int) async throws {
    var next = 0
    while next < rows {
      let requests = (next..<min(rows, next + 2000)).map { number in
        TestDelivery("\(tenants) \(number)") {
          $0.lane = .interactive
          $0.tenant = "tenant \(number % tenants)"
          $0.tokens = Int64(50 + number % 7 * 100)
        }.request(at: now)
      }
      _ = try await store.admit(requests, at: now)
      next += 2000
    }
  }

  /// Lines with milliseconds.
  public func measure(_ name: String, rounds: Int) async throws -> [String] {
    var lines: [Duration] = []
    var one: [Duration] = []
    var many: [Duration] = []
    for _ in 0..<rounds {
      _ = try await timed(&lines) { try await store.parkedLines() }
      let first = try await timed(&one) { try await store.takeParked(ParkedClaim(line: Self.line, limit: 1), at: now) }
      let rest = try await timed(&many) { try await store.takeParked(ParkedClaim(line: Self.line, limit: 64), at: now) }
      try require(first.calls.count == 1 && rest.calls.count == 64)
    }
    return [("lines", lines), ("claim of 1", one), ("claim of 64", many)].map { operation, times in
      let sorted = times.sorted().map { $0 / .milliseconds(1) }
      let (p50, p99) = (sorted[sorted.count / 2], sorted[sorted.count * 99 / 100])
      return "parked, \(name), \(operation): p50 \(shown(p50)) ms, p99 \(shown(p99)) ms"
    }
  }

  private func shown(_ number: Double) -> String { "\((number * 100).rounded() / 100)" }

  private func timed<Value>(_ times: inout [Duration], _ body: () async throws -> Value) async throws -> Value {
    let start = clock.now
    let value = try await body()
    times.append(clock.now - start)
    return value
  }
}
