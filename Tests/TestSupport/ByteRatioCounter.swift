public import Wire
public import Worker

/// Counts a token for every four bytes of text and 8 around them, so that tests can say what comes out.
public struct ByteRatioCounter: TokenCounting {
  public init() {}

  public func count(_ prompt: PromptContent, model: String) -> PromptTokens {
    let tokens = Int64((prompt.text.count + 3) / 4 + 8)
    return PromptTokens(estimate: tokens, least: tokens)
  }
}
