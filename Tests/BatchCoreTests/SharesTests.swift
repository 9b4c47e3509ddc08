import BatchCore
import Testing

@Suite(.timeLimit(.minutes(4)))
struct SharesTests {
  @Test func partsAreTheWeightsWhereTheseSumUpToTheTotal() {
    #expect(Shares.of(60, by: [10, 20, 30]) == [10, 20, 30])
    #expect(Shares.of(.max, by: [.max, 0]) == [.max, 0])
  }

  @Test func theLargestRemaindersGetWhatIsLeft() {
    #expect(Shares.of(10, by: [1, 1, 1]) == [4, 3, 3])
    #expect(Shares.of(7, by: [2, 5, 4]) == [1, 3, 3])
    #expect(Shares.of(2, by: [0, 0, 0]) == [1, 1, 0])
    #expect(Shares.of(0, by: [3, 4]) == [0, 0])
    #expect(Shares.of(-5, by: [3, -4]) == [0, 0])
    #expect(Shares.of(5, by: []) == [])
  }

  @Test func partsSumUpAndAreNearTheirProportion() {
    var random = SeededGenerator(seed: 11)
    for _ in 0..<5000 {
      let largest: Int64 = [1, 10, 10_000, .max].randomElement(using: &random) ?? 1
      let count = Int.random(in: 1...40, using: &random)
      let weights = (0..<count).map { _ in Int64.random(in: 0...largest, using: &random) }
      let total = Int64.random(in: 0...largest, using: &random)
      let parts = Shares.of(total, by: weights)
      #expect(parts.count == weights.count)
      #expect(parts.reduce(Int128(0)) { $0 + Int128($1) } == Int128(total))
      let sum = weights.reduce(Int128(0)) { $0 + Int128($1) }
      for (part, weight) in zip(parts, weights) where sum > 0 {
        let exact = Int128(total) * Int128(weight)
        #expect(abs(Int128(part) * sum - exact) < sum)
      }
    }
  }

  @Test func usageIsSharedOutByItsKinds() {
    let usage = Usage(
      inputTokens: 9, cachedInputTokens: 4, cacheWriteTokens: 2, outputTokens: 1, longCacheWriteTokens: 1)
    #expect(
      usage.shares(by: [2, 1]) == [
        Usage(inputTokens: 6, cachedInputTokens: 3, cacheWriteTokens: 1, outputTokens: 1, longCacheWriteTokens: 1),
        Usage(inputTokens: 3, cachedInputTokens: 1, cacheWriteTokens: 1),
      ])
  }
}
