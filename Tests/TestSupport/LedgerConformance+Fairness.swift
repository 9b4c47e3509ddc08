import BatchCore
import Ledger

/// Parked rows of many tenants: everybody gets a share, whoever claims.
extension LedgerConformance {
  private static let parked = TestDelivery("") { $0.lane = .interactive }
  private static let line = ParkedLine(route: parked.route, callClass: .deferred)

  private static func rows(_ tenant: String, _ numbers: Range<Int>, tokens: Int64 = 100) -> [TestDelivery] {
    numbers.map { number in
      parked.with {
        $0.key = "\(tenant)-\(number)"
        $0.tenant = tenant
        $0.tokens = tokens
      }
    }
  }

  private static func park(_ deliveries: [TestDelivery], in ledger: TestLedger) async throws -> [RequestID] {
    let requests = deliveries.map { $0.request(at: ledger.now) }
    return try await ledger.store.admit(requests, at: ledger.now).map(\.id)
  }

  private static func take(
    _ limit: Int, from ledger: TestLedger, _ change: (inout ParkedClaim) -> Void = { _ in }
  ) async throws -> [ParkedCall] {
    var claim = ParkedClaim(line: line, limit: limit)
    change(&claim)
    return try await ledger.store.takeParked(claim, at: ledger.now).calls
  }

  private static func counts(_ calls: [ParkedCall]) -> [String: Int] {
    calls.reduce(into: [:]) { $0[$1.tenant, default: 0] += 1 }
  }

  static var fairness: [Case] { turns + shares }

  private static var turns: [Case] {
    [
      `case`("a tenant with much parked does not delay one with little") { ledger in
        _ = try await park(rows("noisy", 0..<300), in: ledger)
        let quiet = try await park(rows("quiet", 0..<3), in: ledger)
        let calls = try await take(8, from: ledger)
        try requireEqual(calls.filter { $0.tenant == "quiet" }.map(\.id), quiet)
        try requireEqual(counts(calls), ["noisy": 5, "quiet": 3])
        // Alone again, it gets everything.
        try requireEqual(counts(try await take(50, from: ledger)), ["noisy": 50])
      },
      `case`("a tenant's rows are taken oldest first, each once") { ledger in
        var wanted: [String: [RequestID]] = [:]
        for round in 0..<4 {
          for tenant in ["a", "b", "c"] {
            wanted[tenant, default: []] += try await park(rows(tenant, round * 5..<round * 5 + 5), in: ledger)
          }
          ledger.advance(by: .seconds(1))
        }
        var found: [String: [RequestID]] = [:]
        while true {
          let calls = try await take(7, from: ledger)
          if calls.isEmpty { break }
          for call in calls { found[call.tenant, default: []].append(call.id) }
        }
        try requireEqual(found, wanted)
      },
      `case`("claims of one row go round all tenants, also after a restart") { ledger in
        let tenants = ["", "a", "b", "c", "d", "é", "zz"]
        for tenant in tenants { _ = try await park(rows(tenant, 0..<4), in: ledger) }
        var order: [String] = []
        for round in 0..<2 {
          for _ in tenants { order += try await take(1, from: ledger).map(\.tenant) }
          if round == 0 { try await ledger.reopen() }
        }
        try requireEqual(Set(order.prefix(tenants.count)), Set(tenants))
        try requireEqual(Set(order.suffix(tenants.count)), Set(tenants))
      },
      `case`("many more tenants than a claim takes all get their turn") { ledger in
        for tenant in 0..<150 { _ = try await park(rows("tenant \(tenant)", 0..<2), in: ledger) }
        var calls: [ParkedCall] = []
        for _ in 0..<150 { calls += try await take(2, from: ledger) }
        try requireEqual(Set(counts(Array(calls.prefix(150))).values), [1])
        try requireEqual(calls.count, 300)
        try requireEqual(Set(calls.map(\.id)).count, 300)
      },
      `case`("tenants that are passed over keep their rows, and those that may not be sent yet do not count") {
        ledger in
        let early = try await park(rows("a", 0..<9), in: ledger)
        let claims = try await take(4, from: ledger) { $0.passing = ["b"] }
        try requireEqual(claims.map(\.id), Array(early.prefix(4)))
        _ = try await park(rows("b", 0..<2), in: ledger)
        try requireEqual(counts(try await take(4, from: ledger) { $0.passing = ["a"] }), ["b": 2])
        let later = ledger.now + .seconds(9)
        let back = claims.map {
          AttemptOutcome(id: $0.id, attempt: 1, batch: nil, verdict: .park(notBefore: later, nil))
        }
        _ = try await ledger.store.record(back, at: ledger.now)
        try requireEqual(try await take(99, from: ledger).map(\.id), Array(early.dropFirst(4)))
        ledger.advance(by: .seconds(9))
        try requireEqual(try await take(99, from: ledger).map(\.id), Array(early.prefix(4)))
      },
    ]
  }

  private static var shares: [Case] {
    [
      `case`("tenants share by tokens and weight over many claims") { ledger in
        _ = try await park(rows("large", 0..<200, tokens: 900), in: ledger)
        _ = try await park(rows("small", 0..<900, tokens: 100), in: ledger)
        _ = try await park(rows("heavy", 0..<900, tokens: 100), in: ledger)
        var calls: [ParkedCall] = []
        for _ in 0..<100 {
          calls += try await take(7, from: ledger) { $0.weights = TenantWeights(["heavy": 3]) }
        }
        let costs = calls.reduce(into: [String: Int64]()) {
          $0[$1.tenant, default: 0] += CallCost.of(tokens: $1.tokens)
        }
        let (large, small, heavy) = (costs["large"] ?? 0, costs["small"] ?? 0, costs["heavy"] ?? 0)
        // Within a turn, which pays for the largest row.
        try require(abs(large - small) <= 2000, "\(costs)")
        try require(abs(heavy - 3 * small) <= 6000, "\(costs)")
      },
      `case`("what calls cost more than was estimated is taken from the share") { ledger in
        for tenant in ["a", "b"] { _ = try await park(rows(tenant, 0..<300), in: ledger) }
        var taken: [String: Int] = [:]
        for _ in 0..<30 {
          // Each call of one costs four times its estimate.
          let calls = try await take(6, from: ledger) { $0.corrections = ["a": Int64(taken["a"] ?? 0) * 600] }
          taken = counts(calls)
        }
        let rest = counts(try await take(600, from: ledger))
        let (first, second) = (300 - (rest["a"] ?? 0), 300 - (rest["b"] ?? 0))
        try require(second > 3 * first && second < 5 * first, "\(first) and \(second)")
      },
      `case`("a claim that was parked is interactive, what the ledger was given at once is deferred") { ledger in
        let waiting = TestDelivery.interactive("claim") { $0.tenant = "a" }
        let claim = try await ledger.admit(waiting)
        try await ledger.store.park([(claim.id, waiting.requestBody, ledger.now)])
        let deferred = try await park(rows("a", 0..<3), in: ledger)
        let lines = try await ledger.store.parkedLines().map(\.line)
        let interactive = ParkedLine(route: line.route, callClass: .interactive)
        try requireEqual(Set(lines), [interactive, line])
        let calls = try await ledger.store.takeParked(ParkedClaim(line: interactive, limit: 9), at: ledger.now).calls
        try requireEqual(calls.map(\.id), [claim.id])
        try requireEqual(calls[0].callClass, .interactive)
        try requireEqual(calls[0].tenant, "a")
        try requireEqual(try await take(9, from: ledger).map(\.id), deferred)
      },
    ]
  }
}
