/// What a model costs, in pico-USD a token.
public struct ModelPrice: Hashable, Sendable {
  public var input: Int64
  public var cachedInput: Int64
  public var output: Int64
  public var batchInput: Int64
  public var batchCachedInput: Int64
  public var batchOutput: Int64

  public init(
    input: Int64, cachedInput: Int64, output: Int64, batchInput: Int64, batchCachedInput: Int64, batchOutput: Int64
  ) {
    self.input = input
    self.cachedInput = cachedInput
    self.output = output
    self.batchInput = batchInput
    self.batchCachedInput = batchCachedInput
    self.batchOutput = batchOutput
  }

  /// The cost of a usage; nil if it does not fit, which no real usage reaches.
  public func cost(of usage: Usage, basis: CostBasis) -> PicoUSD? {
    let cached = Int128(max(0, min(usage.cachedInputTokens, usage.inputTokens)))
    let fresh = Int128(max(0, usage.inputTokens)) - cached
    let output = Int128(max(0, usage.outputTokens))
    let sum: Int128 =
      switch basis {
      case .list: fresh * Int128(input) + cached * Int128(cachedInput) + output * Int128(self.output)
      case .batch:
        fresh * Int128(batchInput) + cached * Int128(batchCachedInput) + output * Int128(batchOutput)
      case .replay: 0
      case .unknown: -1
      }
    return sum < 0 ? nil : Int64(exactly: sum).map { PicoUSD($0) }
  }
}

/// Prices by the model's name at its provider. A model that is not in it has an unknown price, never zero.
public struct PriceTable: Hashable, Sendable {
  private var prices: [String: ModelPrice]

  public init(_ prices: [String: ModelPrice]) {
    self.prices = prices
  }

  /// The price of the model, or of the model that it is a dated snapshot of (`gpt-4o-mini-2024-07-18`).
  public func price(of model: String) -> ModelPrice? {
    if let price = prices[model] { return price }
    let name = model.utf8
    guard name.count > 11 else { return nil }
    let date = Array(name.suffix(11))
    let isDate = date.enumerated().allSatisfy { index, byte in
      [0, 5, 8].contains(index) ? byte == UInt8(ascii: "-") : (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }
    return isDate ? prices[String(model.dropLast(11))] : nil
  }
}
