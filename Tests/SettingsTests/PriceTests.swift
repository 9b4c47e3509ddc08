import Settings
import Testing

@Suite("Prices", .timeLimit(.minutes(4)))
struct PriceTests {
  @Test("dollars for a million tokens become pico-USD a token")
  func read() throws {
    let settings = try load(
      """
      prices:
        "openai:m": {input: 0.15, output: 0.6, batch: {input: 0.075, output: 0.3}}
        big: {input: 2, cached_input: 0.000001, cache_write: 3, output: 9, long: {above: 1000, input: 4, output: 18}}
        known: {context: 8192, max_output: 100}
      """)
    #expect(settings.prices.map(\.name) == ["openai:m", "big", "known"])
    let list = PriceSettings.Rates(input: 150_000, cachedInput: 150_000, cacheWrite: 150_000, output: 600_000)
    #expect(settings.prices[0].base?.list == list)
    #expect(settings.prices[0].base?.batch?.output == 300_000)
    #expect(settings.prices[1].base?.list.cachedInput == 1)
    #expect(settings.prices[1].base?.batch == nil)
    #expect(settings.prices[1].longAbove == 1000)
    #expect(settings.prices[1].long?.list.output == 18_000_000)
    #expect(settings.prices[2].base == nil)
    #expect(settings.prices[2].contextTokens == 8192)
    #expect(try load(settings.redactedDescription).prices == settings.prices)
  }

  @Test(
    "what is no price is named",
    arguments: [
      ("m: {input: 1}", "prices.m.output"), ("m: {output: 1}", "prices.m.input"),
      ("m: {input: -1, output: 1}", "prices.m.input"), ("m: {input: 0.0000001, output: 1}", "prices.m.input"),
      ("m: {input: cheap, output: 1}", "prices.m.input"), ("m: {batch: {input: 1, output: 1}}", "prices.m.input"),
      ("m: {input: 1, output: 1, long: {input: 2, output: 2}}", "prices.m.long.above"),
      ("m: {input: 1, output: 1, context: 0}", "prices.m.context"),
      ("m: {input: 1, output: 1, inputs: 2}", "prices.m.inputs"),
      ("\"opena:m\": {input: 1, output: 1}", "prices.opena:m"),
    ])
  func wrong(entry: String, key: String) {
    let lines = problems("prices: {\(entry)}")
    #expect(lines.count == 1)
    #expect(lines.first?.contains(key) == true)
  }
}
