import Wire

/// A body of OpenAI's chat shape, read to be translated. What stands in the body stands here; what has no place here is
/// refused by its name. Values are parts of the body: texts are carried as they are spelled.
struct ChatRequest: Sendable {
  /// Texts of the messages of the system, which lead.
  private(set) var system: [JSONSlice] = []
  private(set) var turns: [ChatTurn] = []
  private(set) var tools: [ChatTool] = []
  private(set) var toolChoice: ChatToolChoice?
  private(set) var allowsParallelTools: Bool?
  private(set) var stop: [JSONSlice] = []
  private(set) var temperature: JSONSlice?
  private(set) var topP: JSONSlice?
  /// Of what comes out.
  private(set) var maximumTokens: Int64?
  /// The JSON schema that the answer has to keep to.
  private(set) var schema: JSONSlice?
  private(set) var effort: String?
  /// Whom the request is for.
  private(set) var user: JSONSlice?

  init(_ body: JSONSlice) throws(ChatRefusal) {
    guard body.kind == .object else { throw ChatRefusal("body", "is no object") }
    var hasMessages = false
    var hasModel = false
    for member in body.members {
      let (key, value) = (member.key, member.value)
      // Null is what is not there.
      if value.isNull { continue }
      switch key {
      case "model": hasModel = true
      case "messages":
        hasMessages = true
        try readMessages(value)
      case "tools": try readTools(value)
      case "tool_choice": toolChoice = try ChatToolChoice(value)
      case "parallel_tool_calls": allowsParallelTools = try Self.flag(value, key)
      case "stop": try readStop(value)
      case "temperature": temperature = try Self.number(value, key)
      case "top_p": topP = try Self.number(value, key)
      case "max_tokens", "max_completion_tokens": try readLimit(value, key)
      case "response_format": try readFormat(value)
      case "reasoning_effort": effort = try Self.text(value, key)
      case "user", "safety_identifier":
        guard user == nil else { throw ChatRefusal(key, "user and safety_identifier are both given") }
        _ = try Self.text(value, key)
        user = value
      default:
        guard Self.isNeutral(key, value) else { throw ChatRefusal(key, "has no counterpart at this provider") }
      }
    }
    if !hasModel { throw ChatRefusal("model", "is missing") }
    if !hasMessages || turns.isEmpty { throw ChatRefusal("messages", "holds no message of a user") }
    if tools.isEmpty {
      if toolChoice != nil { throw ChatRefusal("tool_choice", "is given without tools") }
      if allowsParallelTools != nil { throw ChatRefusal("parallel_tool_calls", "is given without tools") }
    }
  }

  /// What means the same as leaving it out.
  private static func isNeutral(_ key: String, _ value: JSONSlice) -> Bool {
    switch key {
    case "n": value.int64 == 1
    case "stream", "logprobs", "store": value.bool == false
    case "presence_penalty", "frequency_penalty", "top_logprobs": value.double == 0
    case "logit_bias", "metadata": value.kind == .object && value.members.first { _ in true } == nil
    case "modalities": value.elements.map { $0.string } == ["text"]
    case "service_tier": value.string == "auto" || value.string == "default"
    default: false
    }
  }

  // MARK: Messages

  private mutating func readMessages(_ messages: JSONSlice) throws(ChatRefusal) {
    guard messages.kind == .array else { throw ChatRefusal("messages", "is no array") }
    for (index, message) in messages.elements.enumerated() {
      let field = "messages[\(index)]"
      guard message.kind == .object, let role = message["role"]?.string else {
        throw ChatRefusal(field + ".role", "is missing")
      }
      switch role {
      case "system", "developer":
        guard turns.isEmpty else {
          throw ChatRefusal(field + ".role", "a message of the system can only lead at this provider")
        }
        system += try texts(message, field)
      case "user": turns.append(.user(try ChatPart.parts(of: message, field, others: ["role", "content"])))
      case "assistant": turns.append(try .assistant(ChatAssistant(message, field)))
      case "tool":
        guard let id = message["tool_call_id"], id.string?.isEmpty == false else {
          throw ChatRefusal(field + ".tool_call_id", "is missing")
        }
        let parts = try ChatPart.parts(of: message, field, others: ["role", "content", "tool_call_id"])
        turns.append(.tool(id: id, parts))
      default:
        throw ChatRefusal(field + ".role", "has no counterpart; allowed are system, developer, user, assistant, tool")
      }
    }
  }

  private func texts(_ message: JSONSlice, _ field: String) throws(ChatRefusal) -> [JSONSlice] {
    var texts: [JSONSlice] = []
    for part in try ChatPart.parts(of: message, field, others: ["role", "content"]) {
      guard case .text(let text) = part else {
        throw ChatRefusal(field + ".content", "a system message holds text only")
      }
      texts.append(text)
    }
    return texts
  }

  // MARK: What is wanted

  private mutating func readTools(_ value: JSONSlice) throws(ChatRefusal) {
    guard value.kind == .array else { throw ChatRefusal("tools", "is no array") }
    for (index, tool) in value.elements.enumerated() { tools.append(try ChatTool(tool, "tools[\(index)]")) }
  }

  private mutating func readStop(_ value: JSONSlice) throws(ChatRefusal) {
    let texts = value.kind == .string ? [value] : value.elements.map { $0 }
    guard value.kind == .string || value.kind == .array, texts.allSatisfy({ $0.kind == .string }) else {
      throw ChatRefusal("stop", "is neither a string nor an array of strings")
    }
    stop = texts
  }

  private mutating func readLimit(_ value: JSONSlice, _ key: String) throws(ChatRefusal) {
    guard maximumTokens == nil else { throw ChatRefusal(key, "max_tokens and max_completion_tokens are both given") }
    guard let limit = value.int64, limit > 0 else { throw ChatRefusal(key, "is no positive integer") }
    maximumTokens = limit
  }

  private mutating func readFormat(_ value: JSONSlice) throws(ChatRefusal) {
    try ChatFields.only(["type", "json_schema"], of: value, "response_format")
    switch value["type"]?.string {
    case "text": break
    case "json_schema":
      let field = "response_format.json_schema"
      guard let format = value["json_schema"], format.kind == .object else { throw ChatRefusal(field, "is missing") }
      // The name is a label, which OpenAI asks for and the answer does not show.
      try ChatFields.only(["name", "schema", "strict"], of: format, field)
      guard let schema = format["schema"], schema.kind == .object else {
        throw ChatRefusal(field + ".schema", "is missing")
      }
      self.schema = schema
    default: throw ChatRefusal("response_format.type", "has no counterpart; allowed are text and json_schema")
    }
  }

  private static func flag(_ value: JSONSlice, _ key: String) throws(ChatRefusal) -> Bool {
    guard let flag = value.bool else { throw ChatRefusal(key, "is neither true nor false") }
    return flag
  }

  private static func number(_ value: JSONSlice, _ key: String) throws(ChatRefusal) -> JSONSlice {
    guard value.double != nil else { throw ChatRefusal(key, "is no number") }
    return value
  }

  private static func text(_ value: JSONSlice, _ key: String) throws(ChatRefusal) -> String {
    guard let text = value.string else { throw ChatRefusal(key, "is no string") }
    return text
  }
}
