import Testing
import Tokenizer

@Suite(.timeLimit(.minutes(1)))
struct ByteRatioEstimatorTests {
  @Test(arguments: [(0, 8), (1, 9), (4, 9), (5, 10), (1024, 264), (-7, 8)])
  func roundsUpAndAddsTheFrame(bytes: Int, tokens: Int64) {
    #expect(ByteRatioEstimator().estimate(textBytes: bytes, model: "m") == tokens)
  }

  @Test func survivesTheLargestSize() {
    #expect(ByteRatioEstimator().estimate(textBytes: .max, model: "m") == Int64.max / 4 + 9)
  }

  @Test func neverFalls() {
    let estimator: any TokenCounting = ByteRatioEstimator()
    let counts = (0..<5000).map { estimator.estimate(textBytes: $0, model: "") }
    #expect(zip(counts, counts.dropFirst()).allSatisfy { $0 <= $1 })
  }
}
