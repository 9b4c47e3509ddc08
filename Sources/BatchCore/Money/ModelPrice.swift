/// What a model costs: by the synchronous price list, in a batch, and for long prompts.
public struct ModelPrice: Hashable, Sendable {
  /// Prices of a list and of its batches.
  public struct Tier: Hashable, Sendable {
    public var list: TokenRates
    /// Nil where the price in a batch is not known.
    public var batch: TokenRates?

    public init(list: TokenRates, batch: TokenRates?) {
      self.list = list
      self.batch = batch
    }

    func rates(_ basis: CostBasis) -> TokenRates? {
      switch basis {
      case .list: list
      case .batch: batch
      case .replay, .unknown: nil
      }
    }
  }

  public var base: Tier
  /// Requests with more input tokens than this cost what `long` says, all of their tokens.
  public var longAbove: Int64?
  public var long: Tier?

  public init(_ base: Tier, longAbove: Int64? = nil, long: Tier? = nil) {
    self.base = base
    self.longAbove = long == nil ? nil : longAbove
    self.long = longAbove == nil ? nil : long
  }

  /// A price without tiers, whose cache is filled for nothing more than the input.
  public init(
    input: Int64, cachedInput: Int64, output: Int64, batchInput: Int64, batchCachedInput: Int64, batchOutput: Int64
  ) {
    self.init(
      Tier(
        list: TokenRates(input: input, cachedInput: cachedInput, cacheWrite: input, output: output),
        batch: TokenRates(
          input: batchInput, cachedInput: batchCachedInput, cacheWrite: batchInput, output: batchOutput)))
  }

  /// The cost of a usage; nil where the price is not known, or if it does not fit, which no real usage reaches.
  public func cost(of usage: Usage, basis: CostBasis) -> PicoUSD? {
    if basis == .replay { return PicoUSD(0) }
    guard let rates = tier(inputTokens: usage.inputTokens).rates(basis) else { return nil }
    return Int64(exactly: rates.cost(of: usage)).map { PicoUSD($0) }
  }

  /// The most that so many tokens can cost, whatever the prompt cache does.
  public func ceiling(inputTokens: Int64, outputTokens: Int64, basis: CostBasis) -> PicoUSD? {
    guard let rates = tier(inputTokens: inputTokens).rates(basis) else { return nil }
    let sum =
      Int128(max(0, inputTokens)) * Int128(rates.dearestInput) + Int128(max(0, outputTokens)) * Int128(rates.output)
    return Int64(exactly: sum).map { PicoUSD($0) }
  }

  private func tier(inputTokens: Int64) -> Tier {
    if let longAbove, let long, inputTokens > longAbove { return long }
    return base
  }
}

/// As the shipped table and the ledger keep it: `list;batch;above;list above;batch above`, empty ones at the end left out.
extension ModelPrice {
  /// Nil for what is no price.
  public init?(text: some StringProtocol) {
    let parts = text.split(separator: ";", maxSplits: 5, omittingEmptySubsequences: false)
    guard (1...5).contains(parts.count), let list = TokenRates(parts[0]) else { return nil }
    func rates(_ index: Int) -> TokenRates?? {
      guard index < parts.count, !parts[index].isEmpty else { return .some(nil) }
      return TokenRates(parts[index]).map { .some($0) }
    }
    guard let batch = rates(1), let longList = rates(3), let longBatch = rates(4) else { return nil }
    var above: Int64?
    if parts.count > 2, !parts[2].isEmpty {
      guard let number = Int64(parts[2]), number > 0, longList != nil else { return nil }
      above = number
    }
    self.init(
      Tier(list: list, batch: batch), longAbove: above, long: longList.map { Tier(list: $0, batch: longBatch) })
  }

  public var text: String {
    var parts = [base.list.text, base.batch?.text ?? ""]
    if let longAbove, let long { parts += ["\(longAbove)", long.list.text, long.batch?.text ?? ""] }
    while parts.last == "" { parts.removeLast() }
    return parts.joined(separator: ";")
  }
}
