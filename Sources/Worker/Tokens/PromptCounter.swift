public import Tokenizer
public import Wire

/// Counts as the provider does where the model's encoding is public, and by a ratio to a public one where it is not.
///
/// Around the texts, OpenAI's published figures: 3 tokens a message, 1 for an author's name, 3 for the start of the answer,
/// for functions what its cookbook gives, for images `ImageRule`. Audio and files have no published rule and count nothing
/// here; what is learned of a model from its reported usage makes up for that.
public struct PromptCounter: TokenCounting, Hashable {
  private static let perMessage = 3
  private static let perAnswer = 3
  private static let perCall = 3
  private static let perObject = 3
  private static let perProperty = 3
  private static let perEnum = -3
  private static let perEnumItem = 3
  private static let perToolList = 12

  public init() {}

  public func count(_ prompt: PromptContent, model: String) -> PromptTokens {
    count(prompt, model: model, encoding: nil)
  }

  /// - Parameter encoding: taken for the model's own where it is given.
  public func count(_ prompt: PromptContent, model: String, encoding name: TokenEncoding?) -> PromptTokens {
    var rule = ModelTokens.of(model)
    if let name { (rule.encoding, rule.isExact, rule.ratio) = (name, true, 1) }
    let encoding = BytePairEncoding(rule.encoding)
    var (text, longest) = (0, 0)
    prompt.forEachText {
      let count = encoding.count($0)
      text += count
      longest = max(longest, count)
    }
    let all = Double(text + prompt.tokenIDs + Self.around(prompt, rule)) * rule.ratio
    // Without messages they are inputs to embed, each of which has the model's context to itself.
    let certain = prompt.messages == 0 ? longest : text
    return PromptTokens(
      estimate: Int64(clamping: Int(max(1, all.rounded(.up)))),
      // No encoding in use needs less than half of what a public one does.
      least: Int64(rule.isExact ? certain : certain / 2))
  }

  private static func around(_ prompt: PromptContent, _ rule: ModelTokens) -> Int {
    var tokens = prompt.messages * perMessage + prompt.names + prompt.toolCalls * perCall
    if prompt.messages > 0 { tokens += perAnswer }
    let tools = prompt.tools
    if tools.functions > 0 {
      tokens += tools.functions * rule.functionTokens + perToolList + tools.objects * perObject
      tokens += tools.properties * perProperty + tools.enums * perEnum + tools.enumItems * perEnumItem
    }
    for image in prompt.images {
      let size = image.size ?? ImageSize(width: 1024, height: 1024)
      tokens += rule.images.tokens(width: size.width, height: size.height, isLowDetail: image.isLowDetail)
    }
    return max(0, tokens)
  }
}
