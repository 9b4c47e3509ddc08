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
    let table = ModelCatalog(["gpt-4o-mini": ModelFacts(price: Self.price)])
    for name in ["gpt-4o-mini", "gpt-4o-mini-2024-07-18", "gpt-4o-mini-20240718"] {
      #expect(table.price(of: name, at: "openai") == Self.price)
    }
    for other in ["gpt-4o", "gpt-4o-mini-2024-7-18", "gpt-4o-mini-preview", "-2024-07-18", "-20240718", ""] {
      #expect(table.price(of: other, at: "openai") == nil)
    }
  }

  @Test func aFineTunedModelCostsWhatTheTableSaysOfItsBase() {
    let table = ModelCatalog(["ft:gpt-4o-mini": ModelFacts(price: Self.price)])
    #expect(table.price(of: "ft:gpt-4o-mini-2024-07-18:acme::x1", at: "openai") == Self.price)
    #expect(table.price(of: "gpt-4o-mini", at: "openai") == nil)
    #expect(table.price(of: "ft:", at: "openai") == nil)
  }

  @Test func whatIsConfiguredComesFirst() {
    var dearer = Self.price
    dearer.base.list.input += 1
    var table = ModelCatalog(["m": ModelFacts(contextTokens: 128, price: Self.price)])
    table.configure("a:m", ModelFacts(price: dearer))
    table.list("local", under: nil)
    #expect(table.facts(of: "m", at: "a") == ModelFacts(contextTokens: 128, price: dearer))
    #expect(table.price(of: "m", at: "b") == Self.price)
    #expect(table.price(of: "m", at: "local") == nil)
    table.configure("m", ModelFacts(price: dearer))
    #expect(table.price(of: "m", at: "b") == dearer)
    #expect(table.facts(of: "m", at: "local") == ModelFacts(price: dearer))
  }

  @Test func longPromptsCostMoreForAllOfTheirTokens() throws {
    let text = "100/10/125/500;50/5/62/250;1000;200/20/250/1000"
    let price = try #require(ModelPrice(text: text))
    #expect(price.text == text)
    let short = Usage(inputTokens: 1000, cachedInputTokens: 100, cacheWriteTokens: 50, outputTokens: 7)
    #expect(price.cost(of: short, basis: .list) == PicoUSD(850 * 100 + 100 * 10 + 50 * 125 + 7 * 500))
    var long = short
    long.inputTokens = 1001
    #expect(price.cost(of: long, basis: .list) == PicoUSD(851 * 200 + 100 * 20 + 50 * 250 + 7 * 1000))
    // Nobody knows what it costs in a batch.
    #expect(price.cost(of: long, basis: .batch) == nil)
    #expect(price.ceiling(inputTokens: 10, outputTokens: 2, basis: .list) == PicoUSD(10 * 125 + 2 * 500))
  }

  @Test(arguments: [
    "", "1/2/3", "1/2/3/-4", "1/2/3/4;x", "1/2/3/4;;5", "1/2/3/4;;0;1/1/1/1", "1/2/3/4;;;;;", "a/b/c/d",
  ])
  func otherTextIsNoPrice(text: String) {
    #expect(ModelPrice(text: text) == nil)
  }
}
