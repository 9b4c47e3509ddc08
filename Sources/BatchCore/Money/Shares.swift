/// Shares a whole number out.
public enum Shares {
  /// Parts in the proportion of the weights by the largest remainder: their sum is the total, and where the weights sum up
  /// to it each part is its weight. Without any weight above 0 they are as equal as can be.
  ///
  /// - Parameters:
  ///   - total: Below 0 it counts as 0.
  ///   - weights: Those below 0 count as 0.
  public static func of(_ total: Int64, by weights: [Int64]) -> [Int64] {
    let total = Int128(max(0, total))
    var weights = weights.map { Int128(max(0, $0)) }
    var sum = weights.reduce(0, +)
    if sum == 0 {
      weights = weights.map { _ in 1 }
      sum = Int128(weights.count)
    }
    if sum == 0 { return [] }
    // Both factors are below 2^63.
    var parts = weights.map { Int64(total * $0 / sum) }
    let left = Int(total - parts.reduce(Int128(0)) { $0 + Int128($1) })
    let byRemainder = weights.indices.sorted { (total * weights[$0] % sum, $1) > (total * weights[$1] % sum, $0) }
    for index in byRemainder.prefix(left) { parts[index] += 1 }
    return parts
  }
}

extension Usage {
  /// The same shared out by these weights, each kind of tokens by itself.
  public func shares(by weights: [Int64]) -> [Usage] {
    let input = Shares.of(inputTokens, by: weights)
    let cached = Shares.of(cachedInputTokens, by: weights)
    let written = Shares.of(cacheWriteTokens, by: weights)
    let output = Shares.of(outputTokens, by: weights)
    let longWritten = Shares.of(longCacheWriteTokens, by: weights)
    return weights.indices.map {
      Usage(
        inputTokens: input[$0], cachedInputTokens: cached[$0], cacheWriteTokens: written[$0], outputTokens: output[$0],
        longCacheWriteTokens: longWritten[$0])
    }
  }
}
