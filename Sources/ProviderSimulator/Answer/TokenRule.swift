import Tokenizer

/// How one model's tokens are counted.
///
/// OpenAI's encodings are public. Those of others are not: their factors stand for real models only in that they differ
/// from each other and from what a client is likely to begin with, so that it has to learn them from its bills.
struct TokenRule: Sendable {
  private let encoding: BytePairEncoding
  /// Tokens of the model for 100 of the encoding.
  private let percent: Int
  /// Tokens of a function that is offered, beside its texts.
  let functionTokens: Int
  /// Whether the model caches prompts unasked.
  let cachesPrompts: Bool

  private struct Row {
    var prefix: String
    var encoding: TokenEncoding
    var percent = 100
    var functionTokens = 7
    var isOpenAI = true
  }

  /// The first prefix of the model's name counts: longer ones stand before shorter ones.
  private static let table: [Row] = [
    Row(prefix: "text-embedding-", encoding: .cl100kBase),
    Row(prefix: "claude-sonnet", encoding: .o200kBase, percent: 129, isOpenAI: false),
    Row(prefix: "claude-haiku", encoding: .o200kBase, percent: 118, isOpenAI: false),
    Row(prefix: "chatgpt-", encoding: .o200kBase),
    Row(prefix: "gpt-3.5", encoding: .cl100kBase, functionTokens: 10),
    Row(prefix: "gpt-4.1", encoding: .o200kBase),
    Row(prefix: "gpt-4.5", encoding: .o200kBase),
    Row(prefix: "mistral", encoding: .o200kBase, percent: 133, isOpenAI: false),
    Row(prefix: "gpt-35", encoding: .cl100kBase, functionTokens: 10),
    Row(prefix: "gpt-4o", encoding: .o200kBase),
    Row(prefix: "claude", encoding: .o200kBase, percent: 146, isOpenAI: false),
    Row(prefix: "gemini", encoding: .o200kBase, percent: 104, isOpenAI: false),
    Row(prefix: "gpt-4", encoding: .cl100kBase, functionTokens: 10),
    Row(prefix: "gpt-", encoding: .o200kBase),
    Row(prefix: "o1", encoding: .o200kBase),
    Row(prefix: "o3", encoding: .o200kBase),
    Row(prefix: "o4", encoding: .o200kBase),
  ]
  private static let other = Row(prefix: "", encoding: .o200kBase, percent: 111, isOpenAI: false)

  /// Makes the tables of all encodings, so that no call waits for them.
  static func prepare() { for encoding in TokenEncoding.allCases { _ = BytePairEncoding(encoding) } }

  init(model: String) {
    let rule = Self.table.first { model.hasPrefix($0.prefix) } ?? Self.other
    encoding = BytePairEncoding(rule.encoding)
    percent = rule.percent
    functionTokens = rule.functionTokens
    cachesPrompts = rule.isOpenAI
  }

  /// Tokens of the encoding.
  func raw(_ text: [UInt8]) -> Int { text.withUnsafeBufferPointer { encoding.count($0) } }

  func ids(_ text: [UInt8]) -> [UInt32] { text.withUnsafeBufferPointer { encoding.ids($0) } }

  /// What so many tokens of the encoding are billed as.
  func billed(_ raw: Int) -> Int { (raw * percent + 99) / 100 }
}
