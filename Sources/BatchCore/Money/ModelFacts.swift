/// What is known of a model; nil means not known, never zero or unlimited.
public struct ModelFacts: Hashable, Sendable {
  /// What a body with `input` asks it for.
  public enum Mode: String, Hashable, Sendable { case chat, completion, embedding, responses }

  public var mode: Mode?
  /// The most tokens of input.
  public var contextTokens: Int64?
  /// The most tokens of output.
  public var outputTokens: Int64?
  public var price: ModelPrice?

  public init(
    mode: Mode? = nil, contextTokens: Int64? = nil, outputTokens: Int64? = nil, price: ModelPrice? = nil
  ) {
    self.mode = mode
    self.contextTokens = contextTokens
    self.outputTokens = outputTokens
    self.price = price
  }

  /// These facts, where they are known; else those.
  public func filled(from other: ModelFacts?) -> ModelFacts {
    ModelFacts(
      mode: mode ?? other?.mode, contextTokens: contextTokens ?? other?.contextTokens,
      outputTokens: outputTokens ?? other?.outputTokens, price: price ?? other?.price)
  }
}
