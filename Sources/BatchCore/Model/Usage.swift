/// Tokens that a provider reports for one attempt. Cached input is part of input, reasoning is part of output.
public struct Usage: Hashable, Sendable {
  public var inputTokens: Int64
  public var cachedInputTokens: Int64
  public var outputTokens: Int64

  public init(inputTokens: Int64 = 0, cachedInputTokens: Int64 = 0, outputTokens: Int64 = 0) {
    self.inputTokens = inputTokens
    self.cachedInputTokens = cachedInputTokens
    self.outputTokens = outputTokens
  }
}
