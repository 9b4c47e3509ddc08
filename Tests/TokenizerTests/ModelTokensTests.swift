import Testing
import Tokenizer

@Suite(.timeLimit(.minutes(4)))
struct ModelTokensTests {
  @Test(arguments: [
    ("gpt-4o-mini-2024-07-18", TokenEncoding.o200kBase), ("gpt-4-turbo", .cl100kBase), ("gpt-4.1", .o200kBase),
    ("GPT-5", .o200kBase), ("o3-mini", .o200kBase), ("ft:gpt-3.5-turbo:acme::1", .cl100kBase),
    ("openai/gpt-oss-120b", .o200kBase), ("text-embedding-3-small", .cl100kBase), ("gpt-35-turbo", .cl100kBase),
  ])
  func modelsOfOpenAIAreExact(model: String, encoding: TokenEncoding) {
    let tokens = ModelTokens.of(model)
    #expect(tokens.isExact)
    #expect(tokens.encoding == encoding)
    #expect(tokens.ratio == 1)
  }

  @Test(arguments: ["claude-sonnet-4-5", "gemini-2.5-pro", "mistral-large-latest", "my-deployment", ""])
  func othersAreEstimatedWithAMargin(model: String) {
    #expect(!ModelTokens.of(model).isExact)
    #expect(ModelTokens.of(model).ratio > 1)
  }

  /// The examples of OpenAI's guide.
  @Test(arguments: [
    (ImageRule.tiles(base: 85, tile: 170), 1024, 1024, false, 765),
    (.tiles(base: 85, tile: 170), 2048, 4096, false, 1105), (.tiles(base: 85, tile: 170), 4096, 8192, true, 85),
    (.patches(1), 1024, 1024, false, 1024), (.patches(1), 1800, 2400, false, 1452),
  ])
  func imagesCostWhatTheGuideSays(rule: ImageRule, width: Int, height: Int, isLow: Bool, tokens: Int) {
    #expect(rule.tokens(width: width, height: height, isLowDetail: isLow) == tokens)
  }

  @Test func noSizeOverflows() {
    for rule in [ImageRule.tiles(base: 85, tile: 170), .patches(2.46)] {
      #expect(rule.tokens(width: .max, height: .max, isLowDetail: false) > 0)
      #expect(rule.tokens(width: 1, height: .max, isLowDetail: false) > 0)
      #expect(rule.tokens(width: 0, height: -5, isLowDetail: false) > 0)
    }
  }
}
