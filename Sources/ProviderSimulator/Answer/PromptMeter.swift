import BatchCore
import Wire

/// Counts the input tokens of one request as its provider bills them.
///
/// Around the texts, exactly counted: OpenAI's cookbook gives 3 tokens a message, 1 more for an author's name, 3 for the
/// beginning of the answer, and figures for functions. What is not published (calls of functions, schemas of answers,
/// other parts of a message) is counted as the JSON that a model would be shown.
struct PromptMeter: Sendable {
  private let rule: TokenRule?
  private(set) var prefixes: PromptPrefixes?
  private var count = 0
  private var hasMessages = false

  /// - Parameter hashesPrefixes: Whether the beginnings of a long prompt are wanted, for the prompt cache.
  init(model: String, counting: TokenCounting, hashesPrefixes: Bool = false) {
    rule = counting == .exact ? TokenRule(model: model) : nil
    if hashesPrefixes, rule?.cachesPrompts == true { prefixes = PromptPrefixes() }
  }

  /// All that was counted, as it is billed.
  var tokens: Int {
    guard let rule else { return count }
    return rule.billed(count + (hasMessages ? 3 : 0))
  }

  /// What a text of the answer is billed as.
  func answer(_ text: [UInt8]) -> Int {
    guard let rule else { return (text.count + 3) / 4 }
    return rule.billed(rule.raw(text))
  }

  // MARK: Messages

  /// - Parameter texts: The parts of its content.
  mutating func message(role: String?, name: String?, texts: [String], others: [JSONSlice], calls: [JSONSlice]) {
    guard rule != nil else {
      let bytes = texts.reduce(max(0, texts.count - 1)) { $0 + $1.utf8.count }
      count += (bytes + 3) / 4 + 3 + others.count * 85
      return
    }
    hasMessages = true
    add(overhead: name == nil ? 3 : 4)
    for text in [role, name].compactMap({ $0 }) + texts { add(Array(text.utf8)) }
    for part in others { add(overhead: Self.tokens(of: part)) }
    for call in calls { add(CanonicalJSON.spell(call.raw)) }
  }

  /// An image of 1024 by 1024 pixels has four tiles of 170 tokens and 85 for itself; with low detail the latter alone.
  private static func tokens(of part: JSONSlice) -> Int {
    guard part["image_url"] != nil || part["source"] != nil else { return 85 }
    return (part["image_url"]?["detail"] ?? part["detail"])?.string == "low" ? 85 : 765
  }

  // MARK: Inputs of embeddings

  /// Returns how many tokens this input is.
  mutating func input(_ text: String) -> Int {
    let tokens = rule?.raw(Array(text.utf8)) ?? (text.utf8.count + 3) / 4
    count += tokens
    return tokens
  }

  /// An input that came as ids.
  mutating func input(ids: Int) { count += ids }

  // MARK: Functions and schemas

  /// What of a body stands before its messages: counted only where it is counted exactly.
  mutating func definitions(of body: JSONSlice, _ endpoint: Endpoint) {
    guard rule != nil else { return }
    if let tools = body["tools"], tools.elements.contains(where: { _ in true }) { self.tools(tools, endpoint) }
    let schema =
      switch endpoint {
      case .chatCompletions, .mistralChat: body["response_format"]?["json_schema"]
      case .responses: body["text"]?["format"]
      case .messages: body["output_config"]?["format"]
      case .embeddings, .generateContent: nil as JSONSlice?
      }
    if let shape = schema?["schema"] {
      if let name = schema?["name"]?.string { add(Array(name.utf8)) }
      add(CanonicalJSON.spell(shape.raw))
    }
  }

  private mutating func tools(_ tools: JSONSlice, _ endpoint: Endpoint) {
    for tool in tools.elements {
      guard endpoint != .messages, let function = tool["function"] ?? (tool["parameters"] == nil ? nil : tool) else {
        add(CanonicalJSON.spell(tool.raw))
        continue
      }
      add(overhead: rule?.functionTokens ?? 0)
      add(line: [function["name"]?.string, function["description"]?.string])
      guard let properties = function["parameters"]?["properties"] else { continue }
      add(overhead: 3)
      for property in properties.members { add(property) }
    }
    if endpoint != .messages { add(overhead: 12) }
  }

  private mutating func add(_ property: JSONMember) {
    add(overhead: 3)
    if let choices = property.value["enum"] {
      add(overhead: -3)
      for choice in choices.elements {
        add(overhead: 3)
        add(Array((choice.string ?? "").utf8))
      }
    }
    add(line: [property.key, property.value["type"]?.string, property.value["description"]?.string])
    // The cookbook knows no objects in objects.
    for inner in [property.value["properties"], property.value["items"]] {
      if let inner { add(CanonicalJSON.spell(inner.raw)) }
    }
  }

  /// What the cookbook joins by colons, without a point at its end.
  private mutating func add(line: [String?]) {
    var text = Array(line.map { $0 ?? "" }.joined(separator: ":").utf8)
    if text.last == UInt8(ascii: ".") { text.removeLast() }
    add(text)
  }

  // MARK: Counts

  private mutating func add(_ text: [UInt8]) {
    guard let rule else { return }
    if prefixes == nil {
      count += rule.raw(text)
    } else {
      let ids = rule.ids(text)
      count += ids.count
      prefixes?.add(ids)
    }
  }

  private mutating func add(overhead tokens: Int) {
    count += tokens
    prefixes?.add(overhead: tokens)
  }
}
