import BatchCore

/// What a model costs, in pico-USD a token at list price. A batch costs half, of cached input too.
///
/// A name that is not in the table costs as the longest name that it begins with, else ``other``.
struct ModelPrice: Hashable, Sendable {
  var input: Int64
  /// Input that the prompt cache has.
  var cachedInput: Int64
  var output: Int64

  /// - Parameter cachedInput: As dear as the rest where there is no cache.
  init(input: Int64, cachedInput: Int64? = nil, output: Int64) {
    self.input = input
    self.cachedInput = cachedInput ?? input
    self.output = output
  }

  static let other = ModelPrice(input: 1_000_000, output: 4_000_000)

  /// One USD per million tokens is 1,000,000 pico-USD a token.
  static let table: [String: ModelPrice] = [
    "gpt-4o": ModelPrice(input: 2_500_000, cachedInput: 1_250_000, output: 10_000_000),
    "gpt-4o-mini": ModelPrice(input: 150_000, cachedInput: 75_000, output: 600_000),
    "gpt-4.1": ModelPrice(input: 2_000_000, cachedInput: 500_000, output: 8_000_000),
    "gpt-4.1-mini": ModelPrice(input: 400_000, cachedInput: 100_000, output: 1_600_000),
    "gpt-5": ModelPrice(input: 1_250_000, cachedInput: 125_000, output: 10_000_000),
    "gpt-5-mini": ModelPrice(input: 250_000, cachedInput: 25_000, output: 2_000_000),
    "gpt-5-nano": ModelPrice(input: 50_000, cachedInput: 5_000, output: 400_000),
    "gpt-5.4": ModelPrice(input: 2_500_000, cachedInput: 250_000, output: 15_000_000),
    "gpt-5.4-mini": ModelPrice(input: 750_000, cachedInput: 75_000, output: 4_500_000),
    "gpt-5.4-nano": ModelPrice(input: 200_000, cachedInput: 20_000, output: 1_250_000),
    "gpt-6-sol": ModelPrice(input: 2_000_000, cachedInput: 200_000, output: 10_000_000),
    "gpt-6-luna": ModelPrice(input: 100_000, cachedInput: 10_000, output: 500_000),
    "claude-haiku-4-5": ModelPrice(input: 1_000_000, output: 5_000_000),
    "claude-haiku-5-5": ModelPrice(input: 100_000, output: 500_000),
    "claude-sonnet-5-5": ModelPrice(input: 2_000_000, output: 10_000_000),
    "claude-opus-5-5": ModelPrice(input: 4_000_000, output: 20_000_000),
    "gemini-2.5-flash": ModelPrice(input: 300_000, output: 2_500_000),
    "gemini-2.5-flash-lite": ModelPrice(input: 100_000, output: 400_000),
    "gemini-3.8-flash": ModelPrice(input: 750_000, output: 3_750_000),
    "mistral-small-2603": ModelPrice(input: 150_000, output: 600_000),
    "mistral-embed": ModelPrice(input: 100_000, output: 0),
    "text-embedding-3-small": ModelPrice(input: 20_000, output: 0),
    "text-embedding-3-large": ModelPrice(input: 130_000, output: 0),
  ]

  static func of(_ model: String) -> ModelPrice {
    if let exact = table[model] { return exact }
    let match = table.filter { model.hasPrefix($0.key + "-") }.max { $0.key.utf8.count < $1.key.utf8.count }
    return match?.value ?? other
  }

  func cost(inputTokens: Int, cachedTokens: Int = 0, outputTokens: Int, isBatch: Bool) -> PicoUSD {
    let list =
      Int64(inputTokens - cachedTokens) * input + Int64(cachedTokens) * cachedInput + Int64(outputTokens) * output
    return PicoUSD(isBatch ? list / 2 : list)
  }
}
