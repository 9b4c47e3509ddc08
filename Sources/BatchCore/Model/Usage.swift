/// Tokens that a provider reports for one attempt. Cached and cache-writing input are part of input, reasoning is part of
/// output.
public struct Usage: Hashable, Sendable {
  public var inputTokens: Int64
  public var cachedInputTokens: Int64
  /// Input that was put into the prompt cache, where that has a price of its own.
  public var cacheWriteTokens: Int64
  public var outputTokens: Int64
  /// Of what was put into the cache, what is kept there for longer, which costs more. Priced when it is reported, not kept.
  public var longCacheWriteTokens: Int64

  public init(
    inputTokens: Int64 = 0, cachedInputTokens: Int64 = 0, cacheWriteTokens: Int64 = 0, outputTokens: Int64 = 0,
    longCacheWriteTokens: Int64 = 0
  ) {
    self.inputTokens = inputTokens
    self.cachedInputTokens = cachedInputTokens
    self.cacheWriteTokens = cacheWriteTokens
    self.outputTokens = outputTokens
    self.longCacheWriteTokens = longCacheWriteTokens
  }
}
