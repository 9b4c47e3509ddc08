import BatchCore
import Ledger
import Wire

extension LedgerConformance {
  private static func costs(
    _ ledger: TestLedger, _ dimensions: CostQuery.Dimension..., limit: Int = 100
  ) async throws -> CostReport {
    try await ledger.store.costs(CostQuery(dimensions: dimensions, days: 0...100_000, limit: limit))
  }

  private static func sums(_ report: CostReport) -> [[String]: Int128] {
    Dictionary(report.lines.map { ($0.values, $0.sums.cost) }, uniquingKeysWith: +)
  }

  static var costs: [Case] {
    let route = Route(provider: "other", model: "m2")
    return [
      `case`("each end of an attempt is counted once, by whoever pays, where it was sent and when") { ledger in
        let call = try await ledger.admit(.interactive("a") { $0.tenant = "acme" })
        var paid = TestLedger.success(call.id)
        paid.route = route
        paid.listCost = PicoUSD(14)
        paid.fullCost = PicoUSD(20)
        try requireEqual(try await ledger.record(paid), .finished)
        try requireEqual(try await ledger.record(paid), .duplicate)
        let row = try await ledger.admit(TestDelivery("b"))
        let batch = try await ledger.batch(row.id)
        try requireEqual(try await ledger.record(TestLedger.success(row.id, batch: batch.id)), .finished)

        let all = try await costs(ledger)
        try requireEqual(all.lines.map(\.values), [[]])
        try requireEqual(all.total.attempts, 2)
        try requireEqual(all.total.cost, 14)
        try requireEqual(all.total.listCost, 14 + 7)
        try requireEqual(all.total.fullCost, 20 + 7)
        try requireEqual(all.total.inputTokens, 10)
        try requireEqual(all.total.cachedInputTokens, 4)
        try requireEqual(all.total.outputTokens, 6)
        try requireEqual(all.total.answers, 2)
        try requireEqual(all.total.estimatedTokens, 20)
        try requireEqual(sums(try await costs(ledger, .tenant)), [["acme"]: 7, ["default"]: 7])
        try requireEqual(
          sums(try await costs(ledger, .provider, .model)),
          [["other", "m2"]: 7, ["openai", "gpt-4o-mini-2024-07-18"]: 7])
        try requireEqual(sums(try await costs(ledger, .lane)), [["interactive"]: 7, ["deferred"]: 7])
        try requireEqual(sums(try await costs(ledger, .batch)), [[""]: 7, [batch.label]: 7])
        try requireEqual(sums(try await costs(ledger, .user, .costCenter)), [["ann", ""]: 14])
        try requireEqual(sums(try await costs(ledger, .day)), [["19675"]: 14])

        ledger.advance(by: .seconds(86_400))
        let next = try await ledger.admit(.interactive("c"))
        try requireEqual(try await ledger.record(TestLedger.success(next.id)), .finished)
        try requireEqual(sums(try await costs(ledger, .day)), [["19675"]: 14, ["19676"]: 7])
        let first = CostQuery(dimensions: [], days: 19675...19675, limit: 9)
        try requireEqual(try await ledger.store.costs(first).total.cost, 14)
        let short = try await costs(ledger, .day, limit: 1)
        try requireEqual(short.lines.map(\.values), [["19675"]])
        try requireEqual(short.leftOut, 1)
        try requireEqual(short.total.cost, 21)
      },
      `case`("tenants whose names look alike and are not the same are charged apart") { ledger in
        let names = ["Jos\u{e9}", "Jose\u{301}"]
        let calls = try await ledger.store.admit(
          names.map { name in TestDelivery.interactive(name) { $0.tenant = name }.request(at: ledger.now) },
          at: ledger.now)
        // In one commit.
        _ = try await ledger.store.record(calls.map { TestLedger.success($0.id) }, at: ledger.now)
        let lines = try await costs(ledger, .tenant).lines
        try requireEqual(Set(lines.map { Array($0.values[0].utf8) }), Set(names.map { Array($0.utf8) }))
        try requireEqual(lines.map(\.sums.cost), [7, 7])
      },
      `case`("an unknown price is counted as unknown, not as zero") { ledger in
        let call = try await ledger.admit(.interactive("a"))
        var outcome = TestLedger.success(call.id)
        outcome.cost = nil
        outcome.basis = .unknown
        _ = try await ledger.record(outcome)
        let total = try await costs(ledger).total
        try requireEqual(total.unpriced, 1)
        try requireEqual(total.cost, 0)
        try requireEqual(total.fullCost, 0)
        try requireEqual(total.inputTokens, 5)
      },
      `case`("what may have been paid is held at its ceiling until its end is seen") { ledger in
        let row = try await ledger.admit(
          TestDelivery("a") {
            $0.callCeiling = PicoUSD(100)
            $0.batchCeiling = PicoUSD(50)
          })
        let batch = try await ledger.batch(row.id)
        try await ledger.store.markCreating(batch.id, inputFileID: "f", at: ledger.now)
        try await ledger.store.markSubmitted(batch.id, providerBatchID: "b", at: ledger.now)
        var missing = TestLedger.failure(row.id, .resultMissing, batch: batch.id)
        missing.costUnknown = true
        try requireEqual(try await ledger.record(missing), .finished)
        var total = try await costs(ledger).total
        try requireEqual(total.unknown, 1)
        try requireEqual(total.held, 50)
        try requireEqual(total.cost, 0)

        // Two calls whose process died: one is answered by the next, whose first result comes all the same.
        let call = try await ledger.admit(
          TestDelivery("b") {
            $0.lane = .interactive
            $0.callCeiling = PicoUSD(100)
          })
        _ = try await ledger.store.takeParked(
          provider: TestDelivery("b").route.provider, model: TestDelivery("b").route.model, limit: 9, at: ledger.now)
        try await ledger.reopen()
        total = try await costs(ledger).total
        try requireEqual(total.unknown, 2)
        try requireEqual(total.held, 150)
        try requireEqual(total.attempts, 2)
        let again = try await ledger.store.takeParked(
          provider: TestDelivery("b").route.provider, model: TestDelivery("b").route.model, limit: 9, at: ledger.now)
        try requireEqual(again.map(\.id), [call.id])
        try requireEqual(again.map(\.attempt), [2])
        try requireEqual(try await ledger.record(TestLedger.success(call.id, attempt: 2)), .finished)
        try requireEqual(try await ledger.record(TestLedger.success(call.id, attempt: 1)), .superseded)
        total = try await costs(ledger).total
        try requireEqual(total.attempts, 3)
        try requireEqual(total.unknown, 1)
        try requireEqual(total.held, 50)
        try requireEqual(total.cost, 14)
        try requireEqual(total.superseded, 1)
        try requireEqual(total.supersededCost, 7)
      },
      `case`("a lost attempt that brings the outcome is counted as that alone") { ledger in
        let row = try await ledger.admit(
          TestDelivery("a") {
            $0.lane = .interactive
            $0.callCeiling = PicoUSD(100)
          })
        let route = TestDelivery("a").route
        _ = try await ledger.store.takeParked(provider: route.provider, model: route.model, limit: 9, at: ledger.now)
        try await ledger.reopen()
        try requireEqual(try await ledger.record(TestLedger.success(row.id, attempt: 1)), .finished)
        let total = try await costs(ledger).total
        try requireEqual(total.attempts, 1)
        try requireEqual(total.unknown, 0)
        try requireEqual(total.held, 0)
        try requireEqual(total.cost, 7)
      },
      `case`("sums outgrow what one attempt can have, and costs outlive their requests") { ledger in
        for key in ["a", "b", "c"] {
          let call = try await ledger.admit(.interactive(key))
          var outcome = TestLedger.success(call.id)
          outcome.usage = Usage(inputTokens: .max, outputTokens: .max)
          outcome.cost = PicoUSD(.max)
          _ = try await ledger.record(outcome)
        }
        try await ledger.deliver()
        ledger.advance(by: .seconds(10))
        _ = try await ledger.store.purge(finishedBefore: ledger.now, bodiesBefore: ledger.now, limit: 100)
        let total = try await costs(ledger, .tenant).total
        try requireEqual(total.cost, 3 * Int128(Int64.max))
        try requireEqual(total.inputTokens, 3 * Int128(Int64.max))
      },
      `case`("a batch keeps the price of the time when it was planned") { ledger in
        let row = try await ledger.admit(TestDelivery("a"))
        let price = try unwrap(ModelPrice(text: "100/10/125/500;50/5/62/250;1000;200/20/250/1000"))
        var plan = BatchPlan(
          key: TestLedger.key, rows: [row.id], label: "priced", account: "openai-1", trigger: .idle)
        plan.price = price
        try requireEqual(try await ledger.store.plan(plan, at: ledger.now).batch?.price, price)
        try await ledger.reopen()
        try requireEqual(try await ledger.store.openBatches().map(\.price), [price])
      },
    ]
  }
}
