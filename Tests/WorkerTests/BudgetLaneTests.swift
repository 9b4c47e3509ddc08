import BatchCore
import Ledger
import TestSupport
import Testing

@testable import Worker

@Suite("What is not known of money", .timeLimit(.minutes(4)))
struct BudgetLaneTests {
  @Test("a deferred request without a price in batches fits into no budget, and its call does")
  func unbatched() async throws {
    let rule = BudgetRule(
      name: "b", matches: [.tenant: .each], limit: PicoUSD(1_000_000_000_000), interval: .day, holds: false)
    try await Pipeline.run(configure: {
      $0.configuration.budgets = [rule]
      $0.price = ModelPrice(ModelPrice.Tier(list: Pipeline.price.base.list, batch: nil))
    }) { pipeline in
      pipeline.push(Message("a"), to: .deferred)
      let refused = try await pipeline.untilReplies(1)
      #expect(refused.map(\.code) == ["budget_exceeded"])
      pipeline.push(Message("b"), to: .interactive)
      let replies = try await pipeline.untilReplies(2)
      #expect(Set(replies.map(\.code)) == ["budget_exceeded", nil])
    }
  }

  @Test("a batch's answer without usage is a cost that is not known")
  func unseen() async throws {
    let provider = ScriptedProvider()
    provider.onBatch { _, _ in BatchPlot { $0.omitsUsage = true } }
    try await Pipeline.run(provider) { pipeline in
      pipeline.push(Message("a"), to: .deferred)
      #expect(try await pipeline.untilReplies(1).map(\.code) == [nil])
      let total = try await pipeline.ledger.costs(CostQuery(dimensions: [], days: 0...100_000, limit: 9)).total
      #expect(total.attempts == 1 && total.unknown == 1 && total.held > 0, "\(total)")
    }
  }
}
