/// How the tokens of a model are counted.
public struct ModelTokens: Hashable, Sendable {
  public var encoding: TokenEncoding
  /// Whether the encoding is the model's own.
  public var isExact: Bool
  /// Tokens that the model is expected to count for each of the encoding, a safety margin included: 1 where it is the
  /// model's own. What it really counts is learned.
  public var ratio: Double
  public var images: ImageRule
  /// What each function that is offered costs beside its texts.
  public var functionTokens: Int

  /// What is documented of the model, by the start of its name; for one that nothing is known of, `o200k_base` with a fifth
  /// more.
  public static func of(_ model: String) -> ModelTokens {
    let name = bare(model)
    return table.first { name.hasPrefix($0.prefix) }?.tokens ?? other
  }

  /// The name without a vendor in front (`openai/…`) and without the marks of fine-tuning (`ft:…`), in small letters.
  private static func bare(_ model: String) -> Substring {
    var name = Substring(model.lowercased())
    if let slash = name.lastIndex(of: "/") { name = name[name.index(after: slash)...] }
    return name.hasPrefix("ft:") ? name.dropFirst(3) : name
  }

  /// The first that fits counts. Ratios are of the public encoding `o200k_base`.
  private static let table: [(prefix: String, tokens: ModelTokens)] = [
    ("gpt-5-mini", exact(.o200kBase, .patches(1.62))),
    ("gpt-5-nano", exact(.o200kBase, .patches(2.46))),
    ("gpt-5", exact(.o200kBase, .tiles(base: 70, tile: 140))),
    ("gpt-4.1-mini", exact(.o200kBase, .patches(1.62))),
    ("gpt-4.1-nano", exact(.o200kBase, .patches(2.46))),
    ("gpt-4.1", exact(.o200kBase, .tiles(base: 85, tile: 170))),
    ("gpt-4.5", exact(.o200kBase, .tiles(base: 85, tile: 170))),
    ("gpt-4o-mini", exact(.o200kBase, .tiles(base: 2833, tile: 5667))),
    ("gpt-4o", exact(.o200kBase, .tiles(base: 85, tile: 170))),
    ("chatgpt-4o", exact(.o200kBase, .tiles(base: 85, tile: 170))),
    ("o4-mini", exact(.o200kBase, .patches(1.72))),
    ("o1", exact(.o200kBase, .tiles(base: 75, tile: 150))),
    ("o3", exact(.o200kBase, .tiles(base: 75, tile: 150))),
    ("gpt-oss", exact(.o200kBase, .tiles(base: 85, tile: 170))),
    ("gpt-4", exact(.cl100kBase, .tiles(base: 85, tile: 170), functionTokens: 10)),
    ("gpt-3.5", exact(.cl100kBase, .tiles(base: 85, tile: 170), functionTokens: 10)),
    ("gpt-35", exact(.cl100kBase, .tiles(base: 85, tile: 170), functionTokens: 10)),
    ("text-embedding-3", exact(.cl100kBase, .tiles(base: 85, tile: 170))),
    ("text-embedding-ada-002", exact(.cl100kBase, .tiles(base: 85, tile: 170))),
    ("claude", learned(1.35)),
    ("gemini", learned(1.15)),
    ("mistral", learned(1.25)),
    ("ministral", learned(1.25)),
    ("magistral", learned(1.25)),
    ("codestral", learned(1.25)),
    ("pixtral", learned(1.25)),
  ]

  private static let other = learned(1.2)

  private static func exact(_ encoding: TokenEncoding, _ images: ImageRule, functionTokens: Int = 7) -> ModelTokens {
    ModelTokens(encoding: encoding, isExact: true, ratio: 1, images: images, functionTokens: functionTokens)
  }

  private static func learned(_ ratio: Double) -> ModelTokens {
    ModelTokens(
      encoding: .o200kBase, isExact: false, ratio: ratio, images: .tiles(base: 85, tile: 170), functionTokens: 7)
  }
}
