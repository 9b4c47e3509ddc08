import BatchCore
import Foundation
import Ledger
import TestSupport
import Testing
import Wire

@testable import LedgerPostgres

/// What claims cost in a ledger with a long history beside the same in an empty one. `Tests/Benchmarks/claims` runs it.
@Suite(
  "Claim latency", .serialized, .timeLimit(.minutes(30)),
  .enabled(if: ProcessInfo.processInfo.environment["MILLRACE_BENCHMARK_CLAIMS"] != nil))
struct ClaimBenchmark {
  private static let rounds = 200
  private static let planned = 100
  private let now = Timestamp(milliseconds: 1_700_000_000_000)
  private let clock = ContinuousClock()

  /// Times by operation.
  private typealias Times = [(name: String, times: [Duration])]

  @Test("ratios")
  func ratios() async throws {
    let text = ProcessInfo.processInfo.environment["MILLRACE_BENCHMARK_CLAIMS"] ?? ""
    let counts = text.split(separator: ",").compactMap { Int($0) }
    try #require(counts.count == 2, "MILLRACE_BENCHMARK_CLAIMS=<finished>,<open>")
    let place = try await PostgresPlace()
    let ledger = try await onThread { try place.open() }
    // The first round fills caches and plans.
    _ = try await measure(ledger, place, "warm")
    let empty = try await measure(ledger, place, "empty")
    try await place.connected(timeout: .seconds(1200)) { connection in
      for step in Fill.steps(finished: counts[0], open: counts[1], owner: ledger.replica) {
        try connection.simple(step)
      }
    }
    // With the plans that it made when there was nothing, as a ledger that grows.
    _ = try await measure(ledger, place, "grown warm")
    let full = try await measure(ledger, place, "grown")
    await ledger.close()
    let fresh = try await onThread { try place.open() }
    // What the one before has left is no part of it.
    while !(try await fresh.takeOver(at: now)).isEmpty {}
    _ = try await measure(fresh, place, "fresh warm")
    let restarted = try await measure(fresh, place, "fresh")
    await fresh.close()
    report(counts, empty, [("grown", full), ("restarted", restarted)])
  }

  private func report(_ counts: [Int], _ empty: Times, _ others: [(name: String, times: Times)]) {
    print("ledger with \(counts[0]) finished and \(counts[1]) open rows to an empty one; ms, \(Self.rounds) rounds")
    for (index, operation) in empty.enumerated() {
      let base = (p50: percentile(operation.times, 0.5), p99: percentile(operation.times, 0.99))
      var line = "\(operation.name): empty p50 \(shown(base.p50)) p99 \(shown(base.p99))"
      for other in others {
        let (p50, p99) = (percentile(other.times[index].times, 0.5), percentile(other.times[index].times, 0.99))
        line += "; \(other.name) p50 \(shown(p50)) (\(shown(p50 / base.p50))x)"
        line += " p99 \(shown(p99)) (\(shown(p99 / base.p99))x)"
      }
      print(line)
    }
  }

  private func shown(_ number: Double) -> String { String(format: "%.2f", number) }

  private func percentile(_ times: [Duration], _ share: Double) -> Double {
    let sorted = times.sorted()
    return sorted[min(sorted.count - 1, Int(Double(sorted.count) * share))] / .milliseconds(1)
  }

  private func measure(_ ledger: PostgresLedger, _ place: PostgresPlace, _ name: String) async throws -> Times {
    var admit: [Duration] = []
    var again: [Duration] = []
    var record: [Duration] = []
    var takeParked: [Duration] = []
    var plan: [Duration] = []
    var idleTakeOver: [Duration] = []
    var takeOver: [Duration] = []
    let route = TestDelivery("").route
    _ = try await ledger.admit(
      (0..<Self.rounds).map { number in
        TestDelivery("\(name) parked \(number)") { $0.lane = .interactive }.request(at: now)
      }, at: now)
    for number in 0..<Self.rounds {
      let request = TestDelivery.interactive("\(name) \(number)").request(at: now)
      let claim = try await timed(&admit) { try await ledger.admit([request], at: now) }[0]
      _ = try await timed(&again) { try await ledger.admit([request], at: now) }
      _ = try await timed(&record) { try await ledger.record([TestLedger.success(claim.id)], at: now) }
      let calls = try await timed(&takeParked) {
        try await ledger.takeParked(provider: route.provider, model: route.model, limit: 1, at: now)
      }
      try #require(calls.count == 1)
      _ = try await timed(&idleTakeOver) { try await ledger.takeOver(at: now) }
      try await place.run(Fill.oneThatIsGone(number: number))
      let taken = try await timed(&takeOver) { try await ledger.takeOver(at: now) }
      try #require(taken.batches.count == 1 && taken.replies)
    }
    for number in 0..<Self.rounds / 4 {
      let rows = try await ledger.admit(
        (0..<Self.planned).map { TestDelivery("\(name) \(number) \($0)").request(at: now) }, at: now)
      let intent = BatchPlan(
        key: TestLedger.key, rows: rows.map(\.id), label: "\(name.prefix(8)) \(UInt64.random(in: 0..<1 << 40))",
        account: "a", trigger: .idle)
      let batch = try await timed(&plan) { try await ledger.plan(intent, at: now) }
      try #require(batch.batch?.rowCount == Self.planned)
    }
    return [
      ("admit", admit), ("admit again", again), ("record", record), ("takeParked", takeParked),
      ("takeOver, nothing", idleTakeOver), ("takeOver, a batch and a reply", takeOver),
      ("plan of \(Self.planned)", plan),
    ]
  }

  private func timed<Value>(_ times: inout [Duration], _ body: () async throws -> Value) async throws -> Value {
    let start = clock.now
    let value = try await body()
    times.append(clock.now - start)
    return value
  }
}

/// Rows of a long history, made by the server.
private enum Fill {
  static func steps(finished: Int, open: Int, owner: Int64) -> [String] {
    let columns = """
      id, call_key, ordinal, kind, state, custody, lane, endpoint, model, route, tokens, body_bytes, model_offset,
      model_length, received_at, not_before, attempt_no, attempts, batch_id, owner, flags, completed_at, answer_id, ledger_id,
      body_hash, correlation_id, tenant
      """
    let digest = "sha256(int8send(n))"
    // Of the open rows two fifths are accepted, two fifths parked, and a fifth is in batches.
    let openState = "CASE WHEN n % 5 < 2 THEN 0 WHEN n % 5 < 4 THEN 1 ELSE 3 END"
    let common = """
      1::smallint, (SELECT min(id) FROM model), (SELECT min(id) FROM route), 10, 60, 9, 13, 1600000000000 + n,
      1600000000000 + n
      """
    return [
      "SET search_path = millrace; SET statement_timeout = 0",
      // Ids of a history are below those that come.
      "SELECT setval('request_ids', 100000001)",
      """
      INSERT INTO request(\(columns))
      SELECT 1000000 + n, substr(\(digest), 1, 16), 0, 0, 5, 1, 1::smallint, \(common), 1, 1, NULL, NULL, 0,
        1600000000000 + n, 1000000 + n, substr(\(digest), 1, 16), \(digest), '\\x6331', 'default'
      FROM generate_series(1, \(finished)) AS n
      """,
      """
      INSERT INTO attempt(id, request_id, attempt, outcome, basis, cost_unknown, ended_at, status, response)
      SELECT 1000000 + n, 1000000 + n, 1, 0, 1, false, 1600000000000 + n, 200, decode(repeat('7b', 200), 'hex')
      FROM generate_series(1, \(finished)) AS n
      """,
      "INSERT INTO body(request_id, bytes) SELECT 1000000 + n, '\\x7b7d' FROM generate_series(1, \(finished)) AS n",
      """
      INSERT INTO request(\(columns))
      SELECT 50000000 + n, substr(\(digest), 1, 16), 0, 0, \(openState), 1, 0::smallint, \(common), 0, 0,
        CASE WHEN n % 5 = 4 THEN 1000000 + n / 1000 END, NULL, 0, NULL, NULL, substr(\(digest), 1, 16), \(digest),
        '\\x6331', 'default'
      FROM generate_series(\(finished + 1), \(finished + open)) AS n
      """,
      """
      INSERT INTO body(request_id, bytes) SELECT 50000000 + n, '\\x7b2273223a2273223a2273223a2273223a2273223a22737d'
      FROM generate_series(\(finished + 1), \(finished + open)) AS n
      """,
      """
      INSERT INTO batch(owner, state, label, account, lane, provider, model, endpoint, deadline_class, closed_by, row_count,
        tokens, body_bytes, model_range_bytes, custom_id_bytes, content_hash, created_at, halvings)
      SELECT \(owner), 2, 'fill-' || n, 'a', 1, 'p', 'm', 1, 0, 0, 1, 1, 1, 1, 1, sha256('x'), 0, 0
      FROM generate_series(1, \(open / 5000 + 1)) AS n
      """,
      // As it is some time after a fill, whatever the server's own vacuum does meanwhile.
      "VACUUM ANALYZE request", "VACUUM ANALYZE attempt", "VACUUM ANALYZE body",
    ]
  }

  /// A replica that has left a batch and a reply of a finished request.
  static func oneThatIsGone(number: Int) -> String {
    """
    SET search_path = millrace;
    INSERT INTO gone(id) VALUES (\(900_000_000 + number));
    INSERT INTO batch(owner, state, label, account, lane, provider, model, endpoint, deadline_class, closed_by, row_count,
      tokens, body_bytes, model_range_bytes, custom_id_bytes, content_hash, created_at, halvings)
    VALUES (\(900_000_000 + number), 0, 'gone-' || random(), 'a', 1, 'p', 'm', 1, 0, 0, 1, 1, 1, 1, 1,
      sha256('x'), 0, 0);
    INSERT INTO outbox(owner, seq, request_id, again)
    VALUES (\(900_000_000 + number), 1, 1000001, false)
    """
  }
}
