import BatchCore
import Testing

@Suite(.timeLimit(.minutes(4)))
struct TokenEstimatesTests {
  private func used(_ input: Int64, _ output: Int64) -> Usage {
    Usage(inputTokens: input, cachedInputTokens: 0, outputTokens: output)
  }

  @Test func learnsFromWhatWasProducedAndNotFromWhatIsAllowed() {
    var estimates = TokenEstimates()
    for _ in 0..<50 { estimates.learn(model: "m", tenant: "a", inputTokens: 100, used: used(150, 20)) }
    let amount = estimates.amount(model: "m", tenant: "a", inputTokens: 100, outputLimit: 4000, countsLimit: false)
    #expect((20...25).contains(amount.outputTokens))
    #expect((148...152).contains(amount.inputTokens))
    // A tenant that was never seen is taken for one of the model's.
    #expect(
      (20...25).contains(
        estimates.amount(model: "m", tenant: "b", inputTokens: 0, outputLimit: nil, countsLimit: false).outputTokens))
  }

  @Test func countsTheLimitWhereTheProviderDoes() {
    var estimates = TokenEstimates()
    estimates.learn(model: "m", tenant: "a", inputTokens: 1, used: used(1, 1))
    #expect(
      estimates.amount(model: "m", tenant: "a", inputTokens: 1, outputLimit: 4000, countsLimit: true).outputTokens
        == 3999)
    #expect(
      estimates.amount(model: "m", tenant: "a", inputTokens: 1, outputLimit: -5, countsLimit: true).outputTokens == 0)
  }

  @Test func beginsWithWhatIsRecalledAndGoesOnWithWhatIsSeen() {
    var estimates = TokenEstimates()
    func input() -> Int64 {
      estimates.amount(model: "m", tenant: "a", inputTokens: 100, outputLimit: nil, countsLimit: false).inputTokens
    }
    #expect(input() == 100)
    estimates.recall(model: "m", inputRatio: 1.5)
    #expect(input() == 150)
    for _ in 0..<200 { estimates.learn(model: "m", tenant: "a", inputTokens: 100, used: used(120, 1)) }
    #expect((120...123).contains(input()))
    estimates.recall(model: "m", inputRatio: 3)
    #expect((120...123).contains(input()))
  }

  @Test func erresUpwardsByHowMuchCallsDiffer() {
    var estimates = TokenEstimates()
    for index in 0..<200 {
      estimates.learn(model: "m", tenant: "a", inputTokens: 100, used: used(index % 2 == 0 ? 100 : 140, 1))
    }
    let input = estimates.amount(model: "m", tenant: "a", inputTokens: 100, outputLimit: nil, countsLimit: false)
      .inputTokens
    #expect((125...140).contains(input))
  }

  @Test func staysBoundedAndSaneWhateverComes() {
    var estimates = TokenEstimates()
    for index in 0..<10_000 {
      estimates.learn(
        model: "m\(index % 3000)", tenant: "t\(index)", inputTokens: Int64(index % 7), used: used(.max, .max))
    }
    let amount = estimates.amount(
      model: "m1", tenant: "t1", inputTokens: .max, outputLimit: .max, countsLimit: false)
    #expect(amount.inputTokens > 0)
    #expect(amount.outputTokens > 0)
  }
}
