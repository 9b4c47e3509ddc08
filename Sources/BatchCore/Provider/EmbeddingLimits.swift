/// How much one call for embeddings may hold, as a provider documents it.
public struct EmbeddingLimits: Hashable, Sendable {
  public var inputs: Int
  /// Over all inputs of the call.
  public var tokens: Int64
  /// Of one input.
  public var tokensEach: Int64

  public init(inputs: Int, tokens: Int64, tokensEach: Int64) {
    self.inputs = inputs
    self.tokens = tokens
    self.tokensEach = tokensEach
  }
}
