import BatchCore
import Testing

@testable import Providers

@Suite struct ModelTableTests {
  @Test func everyLineOfTheShippedTableIsRead() {
    let lines = ModelTableText.bytes.split(separator: UInt8(ascii: "\n")).map {
      String(decoding: $0, as: UTF8.self)
    }
    let models = lines.filter { !$0.hasPrefix("#") }
    #expect(models.count > 1000)
    #expect(models.filter { ModelTableText.read($0) == nil } == [])
    #expect(Set(models.compactMap { ModelTableText.read($0)?.0 }).count == models.count)
  }

  @Test func itHasPricesTiersAndSizes() throws {
    let mini = try #require(ModelCatalog.shipped.facts(of: "gpt-4o-mini-2024-07-18", at: "openai"))
    #expect(mini.contextTokens == 128_000)
    #expect(mini.outputTokens == 16_384)
    #expect(
      mini.price?.base.list == TokenRates(input: 150_000, cachedInput: 75_000, cacheWrite: 150_000, output: 600_000))
    #expect(mini.price?.base.batch?.output == 300_000)
    #expect(mini.price?.long == nil)
    let long = try #require(ModelCatalog.shipped.price(of: "gpt-5.4", at: "openai"))
    #expect(long.longAbove == 272_000)
    #expect(long.long?.list.input == 2 * long.base.list.input)
    #expect(ModelCatalog.shipped.facts(of: "text-embedding-3-small", at: "openai")?.mode == .embedding)
    #expect(ModelCatalog.shipped.facts(of: "no-such-model", at: "openai") == nil)
  }

  /// A price of zero would be a model that nobody pays for: what is not known is left out instead.
  @Test func nothingCostsNothing() {
    let free = ModelTableText.read(ModelTableText.bytes).filter { _, facts in
      guard let list = facts.price?.base.list else { return false }
      return list.input == 0 && list.output == 0
    }
    #expect(free.isEmpty)
  }

  @Test(arguments: [
    ("openai", "http://127.0.0.1:1/v1", ""), ("azure", "https://x.openai.azure.com", "azure/"),
    ("openai-compatible", "https://api.groq.com/openai/v1", "groq/"),
    ("openai-compatible", "https://API.X.AI:443/v1", "xai/"), ("openai-compatible", "http://vllm:8000/v1", nil),
    ("openai-compatible", "nonsense", nil),
  ])
  func aProviderIsFoundByItsKindAndAddress(kind: String, endpoint: String, prefix: String?) {
    #expect(ModelList.prefix(kind: kind, endpoint: endpoint) == prefix)
  }
}
