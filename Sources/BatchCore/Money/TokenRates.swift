/// What tokens cost by one price list, in pico-USD a token.
public struct TokenRates: Hashable, Sendable {
  public var input: Int64
  /// Input that the provider had in its prompt cache.
  public var cachedInput: Int64
  /// Input that it puts into its prompt cache.
  public var cacheWrite: Int64
  public var output: Int64

  public init(input: Int64, cachedInput: Int64, cacheWrite: Int64, output: Int64) {
    self.input = input
    self.cachedInput = cachedInput
    self.cacheWrite = cacheWrite
    self.output = output
  }

  /// The dearest that a token of input can be.
  var dearestInput: Int64 { max(input, cachedInput, cacheWrite) }

  func cost(of usage: Usage) -> Int128 {
    let all = max(0, usage.inputTokens)
    let cached = max(0, min(usage.cachedInputTokens, all))
    let written = max(0, min(usage.cacheWriteTokens, all - cached))
    let fresh = all - cached - written
    // What is kept for an hour costs two times the input, what is kept for minutes five quarters of it.
    let long = max(0, min(usage.longCacheWriteTokens, written))
    return (Int128(long) * Int128(cacheWrite) * 3 + 4) / 5 + Int128(fresh) * Int128(input) + Int128(cached)
      * Int128(cachedInput) + Int128(written) * Int128(cacheWrite)
      + Int128(max(0, usage.outputTokens)) * Int128(output)
  }
}

extension TokenRates {
  /// Reads what `text` gives: four numbers, none below zero.
  init?(_ text: some StringProtocol) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    let numbers = parts.compactMap { Int64($0) }
    guard parts.count == 4, numbers.count == 4, numbers.allSatisfy({ $0 >= 0 }) else { return nil }
    self.init(input: numbers[0], cachedInput: numbers[1], cacheWrite: numbers[2], output: numbers[3])
  }

  var text: String { "\(input)/\(cachedInput)/\(cacheWrite)/\(output)" }
}
