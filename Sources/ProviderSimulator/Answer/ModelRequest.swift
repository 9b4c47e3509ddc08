import BatchCore
import Wire

/// What the simulator needs to know of a request body to answer, count and bill it.
struct ModelRequest: Sendable {
  struct Embedding: Sendable {
    /// The text of each input; for an input of token ids, their JSON.
    var inputs: [[UInt8]] = []
    var dimensions: Int?
    var isBase64 = false
  }

  private struct Content {
    var texts: [String] = []
    var others: [JSONSlice] = []

    /// One part a line.
    var text: String { texts.joined(separator: "\n") }
  }

  private static let mostEmbeddingTokens = 300_000

  let endpoint: Endpoint
  var model = ""
  /// SHA-256 of the canonical JSON of `messages` or `input`.
  var promptDigest: [UInt8] = []
  /// The text of the last message of the user; else of the last message; for embeddings the last input.
  var lastUserText: [UInt8] = []
  var inputTokens: Int { meter.tokens }
  private(set) var meter = PromptMeter(model: "", counting: .bytes)
  var maximumOutputTokens: Int?
  var choices = 1
  var embedding = Embedding()
  var directives = Directives(in: [])
  /// Whether thoughts are asked for, in Mistral's chat.
  var thinks = false
  /// Whether Mistral answers.
  var isMistral = false

  /// The digest's first eight bytes: what attempts and faults are keyed by.
  var promptHash: UInt64 { Bytes.word(promptDigest) }

  /// - Parameters:
  ///   - deployment: What the path names, which counts more than what the body says.
  ///   - digests: Whether ``promptDigest`` is wanted; it is half of the work. Without it, markers are found only where
  ///     they are spelled without escapes.
  ///   - hashesPrefixes: Whether the prompt cache is to be asked.
  init(
    endpoint: Endpoint, body: JSONSlice, deployment: String? = nil, digests: Bool = true, counting: TokenCounting,
    hashesPrefixes: Bool = false
  ) throws(APIError) {
    self.endpoint = endpoint
    guard body.kind == .object else { throw .invalid("The body of the request must be a JSON object.") }
    var prompt: JSONSlice?
    var instructions: JSONSlice?
    let promptKey = endpoint.promptKey
    for member in body.members {
      switch member.key {
      case promptKey: prompt = member.value
      case "model": model = try Self.text(member)
      case "stream" where member.value.bool == true:
        throw .invalid("The simulator does not stream; leave 'stream' out.", param: "stream", code: "unsupported_value")
      case "max_tokens", "max_completion_tokens", "max_output_tokens": maximumOutputTokens = try Self.limit(member)
      case "generationConfig", "generation_config":
        for config in member.value.members
        where config.isNamed("maxOutputTokens") || config.isNamed("max_output_tokens") {
          maximumOutputTokens = try Self.limit(config)
        }
      case "systemInstruction", "system_instruction": instructions = member.value["parts"]
      case "n": choices = min(try Self.limit(member) ?? 1, 128)
      case "instructions", "system": instructions = member.value
      case "reasoning_effort": thinks = member.value.string.map { $0 != "none" } ?? false
      case "dimensions", "output_dimension": embedding.dimensions = try Self.limit(member).map { min($0, 4096) }
      case "encoding_format": embedding.isBase64 = member.value.string == "base64"
      default: break
      }
    }
    if let deployment { model = deployment }
    guard !model.isEmpty else { throw .missing("model") }
    guard let prompt, !prompt.isNull else { throw .missing(promptKey) }
    if model.hasPrefix("missing-") { throw deployment == nil ? .unknownModel(model) : .unknownDeployment(model) }
    meter = PromptMeter(model: model, counting: counting, hashesPrefixes: hashesPrefixes)
    meter.definitions(of: body, endpoint)
    switch endpoint {
    case .chatCompletions: try readMessages(prompt)
    case .mistralChat:
      try MistralRules.check(body)
      try readMessages(prompt)
    case .messages:
      if maximumOutputTokens == nil { throw .invalid("max_tokens: Field required") }
      try MessageRules.check(body)
      if let instructions, !instructions.isNull { count(readContent(instructions), role: nil) }
      try readMessages(prompt)
    case .generateContent:
      try GenerateRules.check(body, model: model)
      if let instructions { count(readContent(instructions), role: nil) }
      try readMessages(prompt)
    case .responses:
      if let instructions, let text = instructions.string { count(Content(texts: [text]), role: nil) }
      if let text = prompt.string {
        count(Content(texts: [text]), role: nil)
        lastUserText = Array(text.utf8)
      } else {
        try readMessages(prompt)
      }
    case .embeddings: try readInputs(prompt)
    }
    guard digests else {
      directives = Directives(in: Array(prompt.raw))
      return
    }
    let canonical = CanonicalJSON.spell(prompt.raw)
    promptDigest = Bytes.sha256(canonical)
    directives = Directives(in: canonical)
  }

  /// Refuses what is longer than the model's context.
  func checkContext(maximum: Int) throws(APIError) {
    guard inputTokens > maximum else { return }
    throw .invalid(
      "This model's maximum context length is \(maximum) tokens, but the request has \(inputTokens).",
      param: endpoint.promptKey, code: "context_length_exceeded")
  }

  private mutating func readMessages(_ messages: JSONSlice) throws(APIError) {
    let name = endpoint.promptKey
    guard messages.kind == .array else {
      throw .invalid(
        "Invalid type for '\(name)': expected an array of objects.", param: name, code: "invalid_type")
    }
    var lastText: String?
    var lastUser: String?
    var index = 0
    for message in messages.elements {
      guard message.kind == .object else {
        throw .invalid(
          "Invalid type for '\(name)[\(index)]': expected an object.", param: "\(name)[\(index)]",
          code: "invalid_type")
      }
      var role: String?
      var name: String?
      var content = Content()
      var calls: [JSONSlice] = []
      for member in message.members {
        if member.isNamed("role") { role = member.value.string }
        if member.isNamed("name") { name = member.value.string }
        if member.isNamed("content") || member.isNamed("parts") { content = readContent(member.value) }
        if member.isNamed("tool_calls") { calls += member.value.elements.compactMap { $0["function"] } }
      }
      if endpoint != .responses && endpoint != .generateContent && role == nil {
        throw .missing("messages[\(index)].role")
      }
      count(content, role: role, name: name, calls: calls)
      let text = content.text
      lastText = text
      if role == "user" || role == nil && endpoint == .generateContent { lastUser = text }
      index += 1
    }
    guard index > 0 else {
      throw .invalid(
        "Invalid '\(name)': expected an array with at least one element.", param: name, code: "empty_array")
    }
    lastUserText = Array((lastUser ?? lastText ?? "").utf8)
  }

  /// A string, or the text parts of an array; any other part apart.
  private func readContent(_ content: JSONSlice) -> Content {
    if let text = content.string { return Content(texts: [text]) }
    var found = Content()
    for part in content.elements {
      if let text = part["text"]?.string { found.texts.append(text) } else { found.others.append(part) }
    }
    return found
  }

  private mutating func readInputs(_ input: JSONSlice) throws(APIError) {
    var last = 0
    func add(_ slice: JSONSlice) throws(APIError) {
      if let text = slice.string {
        embedding.inputs.append(Array(text.utf8))
        last = meter.input(text)
      } else if slice.kind == .array, slice.elements.allSatisfy({ $0.kind == .number }) {
        embedding.inputs.append(CanonicalJSON.spell(slice.raw))
        last = slice.elements.reduce(0) { count, _ in count + 1 }
        meter.input(ids: last)
      } else {
        throw .invalid(
          "Invalid 'input': expected a string, or an array of strings or of tokens.", param: "input",
          code: "invalid_type")
      }
      if last == 0 {
        throw .invalid("Invalid 'input': an input must not be empty.", param: "input", code: "empty_string")
      }
      if last > 8192 {
        throw .invalid(
          "This model's maximum context length is 8192 tokens, but an input has \(last).", param: "input",
          code: "context_length_exceeded")
      }
    }
    let isList = input.kind == .array && input.elements.first(where: { _ in true })?.kind != .number
    if isList { for element in input.elements { try add(element) } } else { try add(input) }
    guard !embedding.inputs.isEmpty, embedding.inputs.count <= 2048 else {
      throw .invalid(
        "Invalid 'input': expected 1 to 2048 inputs, got \(embedding.inputs.count).", param: "input",
        code: "invalid_value")
    }
    guard inputTokens <= Self.mostEmbeddingTokens else {
      throw .invalid(
        "Invalid 'input': at most \(Self.mostEmbeddingTokens) tokens over all inputs, got \(inputTokens).",
        param: "input", code: "max_tokens_per_request")
    }
    lastUserText = embedding.inputs.last ?? []
  }

  private mutating func count(_ content: Content, role: String?, name: String? = nil, calls: [JSONSlice] = []) {
    meter.message(role: role, name: name, texts: content.texts, others: content.others, calls: calls)
  }

  private static func text(_ member: JSONMember) throws(APIError) -> String {
    guard let text = member.value.string else {
      throw .invalid(
        "Invalid type for '\(member.key)': expected a string.", param: member.key, code: "invalid_type")
    }
    return text
  }

  private static func limit(_ member: JSONMember) throws(APIError) -> Int? {
    if member.value.isNull { return nil }
    guard let value = member.value.int64 else {
      throw .invalid(
        "Invalid type for '\(member.key)': expected an integer.", param: member.key, code: "invalid_type")
    }
    guard value >= 1 else {
      throw .invalid(
        "Invalid '\(member.key)': expected at least 1, got \(value).", param: member.key,
        code: "integer_below_min_value")
    }
    return Int(min(value, 1_000_000_000))
  }
}

extension Endpoint {
  /// The member of a body that holds the prompt.
  var promptKey: String {
    switch self {
    case .chatCompletions, .messages, .mistralChat: "messages"
    case .responses, .embeddings: "input"
    case .generateContent: "contents"
    }
  }
}
