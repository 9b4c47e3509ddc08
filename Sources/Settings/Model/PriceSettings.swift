/// What the configuration says of a model's price and size. Prices are pico-USD (1e-12 USD) a token.
public struct PriceSettings: Sendable, Equatable {
  /// One price list.
  public struct Rates: Sendable, Equatable {
    public var input: Int64
    public var cachedInput: Int64
    public var cacheWrite: Int64
    public var output: Int64

    public init(input: Int64, cachedInput: Int64, cacheWrite: Int64, output: Int64) {
      self.input = input
      self.cachedInput = cachedInput
      self.cacheWrite = cacheWrite
      self.output = output
    }
  }

  /// The synchronous list and that of batches.
  public struct Tier: Sendable, Equatable {
    public var list: Rates
    /// Nil where it is not known what a batch costs.
    public var batch: Rates?

    public init(list: Rates, batch: Rates?) {
      self.list = list
      self.batch = batch
    }
  }

  /// `model` for every provider, `provider:model` for one.
  public var name: String
  public var base: Tier?
  /// Requests with more input tokens than this cost what `long` says.
  public var longAbove: Int?
  public var long: Tier?
  /// The most tokens of input and of output; nil where the shipped table tells.
  public var contextTokens: Int?
  public var outputTokens: Int?

  public init(name: String) {
    self.name = name
  }
}
