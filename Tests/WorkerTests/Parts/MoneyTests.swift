import BatchCore
import Testing

struct MoneyTests {
  @Test(arguments: [
    (0, "0"), (1, "0.000000000001"), (2_400_000, "0.0000024"), (1_000_000_000_000, "1"), (-1, "-0.000000000001"),
    (12_500_000_000_000, "12.5"), (-1_500_000_000_000, "-1.5"), (Int64.max, "9223372.036854775807"),
    (Int64.min, "-9223372.036854775808"),
  ])
  func dollarsReadBack(value: Int64, text: String) {
    #expect(PicoUSD(value).dollars == text)
    #expect(PicoUSD(dollars: text) == PicoUSD(value))
  }

  @Test(arguments: ["", ".", "1.", ".5", "-", "1.0000000000001", "1,5", "1e3", "0x1", "9223373", "1.2.3", " 1", "1.-5"])
  func otherTextIsNoMoney(text: String) {
    #expect(PicoUSD(dollars: text) == nil)
  }

  private static let price = ModelPrice(
    input: 150_000, cachedInput: 75_000, output: 600_000, batchInput: 75_000, batchCachedInput: 37_500,
    batchOutput: 300_000)

  @Test func costIsExact() {
    let usage = Usage(inputTokens: 1000, cachedInputTokens: 400, outputTokens: 7)
    #expect(Self.price.cost(of: usage, basis: .list) == PicoUSD(600 * 150_000 + 400 * 75_000 + 7 * 600_000))
    #expect(Self.price.cost(of: usage, basis: .batch) == PicoUSD(600 * 75_000 + 400 * 37_500 + 7 * 300_000))
    #expect(Self.price.cost(of: usage, basis: .replay) == PicoUSD(0))
    #expect(Self.price.cost(of: usage, basis: .unknown) == nil)
  }

  @Test func absurdUsageNeitherTrapsNorEarns() {
    let most = Usage(inputTokens: .max, cachedInputTokens: .max, outputTokens: .max)
    #expect(Self.price.cost(of: most, basis: .list) == nil)
    let negative = Usage(inputTokens: -5, cachedInputTokens: .min, outputTokens: -1)
    #expect(Self.price.cost(of: negative, basis: .list) == PicoUSD(0))
    let moreCachedThanInput = Usage(inputTokens: 10, cachedInputTokens: 100, outputTokens: 0)
    #expect(Self.price.cost(of: moreCachedThanInput, basis: .list) == PicoUSD(750_000))
  }

  @Test func aDatedSnapshotCostsWhatItsModelCosts() {
    let table = PriceTable(["gpt-4o-mini": Self.price])
    #expect(table.price(of: "gpt-4o-mini") == Self.price)
    #expect(table.price(of: "gpt-4o-mini-2024-07-18") == Self.price)
    for other in ["gpt-4o", "gpt-4o-mini-2024-7-18", "gpt-4o-mini-preview", "-2024-07-18", ""] {
      #expect(table.price(of: other) == nil)
    }
  }
}
