import BatchCore
import Wire

/// OpenAI's chat shape as Anthropic's Messages, and back.
struct MessageTranslation: ChatTranslation {
  /// Anthropic wants a limit of what comes out, where OpenAI has none.
  static let defaultMaximumTokens: Int64 = 8192
  private static let efforts: Set<String> = ["low", "medium", "high", "xhigh", "max"]
  private static let imageTypes: Set<String> = ["image/jpeg", "image/png", "image/gif", "image/webp"]

  func body(of chat: ChatRequest, model: String) throws(ChatRefusal) -> [UInt8] {
    var writer = JSONWriter(capacity: 1024)
    writer.beginObject()
    writer.text("model", model)
    writer.number("max_tokens", chat.maximumTokens ?? Self.defaultMaximumTokens)
    if !chat.system.isEmpty { Self.writeSystem(chat.system, into: &writer) }
    writer.key("messages")
    writer.beginArray()
    try Self.writeTurns(chat.turns, into: &writer)
    writer.endArray()
    try Self.writeTools(chat, into: &writer)
    if !chat.stop.isEmpty {
      writer.key("stop_sequences")
      writer.beginArray()
      for text in chat.stop { writer.raw(text.raw) }
      writer.endArray()
    }
    if let temperature = chat.temperature {
      guard let value = temperature.double, (0...1).contains(value) else {
        throw ChatRefusal("temperature", "is beyond what this provider takes; allowed is 0 to 1")
      }
      writer.slice("temperature", temperature)
    }
    if let topP = chat.topP { writer.slice("top_p", topP) }
    try Self.writeEffort(chat, into: &writer)
    if let user = chat.user {
      writer.key("metadata")
      writer.beginObject()
      writer.slice("user_id", user)
      writer.endObject()
    }
    writer.endObject()
    return writer.bytes
  }

  private static func writeSystem(_ texts: [JSONSlice], into writer: inout JSONWriter) {
    if texts.count == 1 { return writer.slice("system", texts[0]) }
    writer.key("system")
    writer.beginArray()
    for text in texts { writeText(text, into: &writer) }
    writer.endArray()
  }

  private static func writeText(_ text: JSONSlice, into writer: inout JSONWriter) {
    writer.beginObject()
    writer.text("type", "text")
    writer.slice("text", text)
    writer.endObject()
  }

  // MARK: Messages

  /// What tools gave stands in one message of the user, together with what the user says next.
  private static func writeTurns(_ turns: [ChatTurn], into writer: inout JSONWriter) throws(ChatRefusal) {
    var results: [(id: JSONSlice, parts: [ChatPart])] = []
    for turn in turns {
      switch turn {
      case .tool(let id, let parts): results.append((id, parts))
      case .user(let parts):
        try writeUser(results, parts, into: &writer)
        results = []
      case .assistant(let assistant):
        if !results.isEmpty { try writeUser(results, [], into: &writer) }
        results = []
        try write(assistant, into: &writer)
      }
    }
    if !results.isEmpty { try writeUser(results, [], into: &writer) }
  }

  private static func writeUser(
    _ results: [(id: JSONSlice, parts: [ChatPart])], _ parts: [ChatPart], into writer: inout JSONWriter
  ) throws(ChatRefusal) {
    writer.beginObject()
    writer.text("role", "user")
    writer.key("content")
    if results.isEmpty, parts.count == 1, case .text(let text) = parts[0] {
      writer.raw(text.raw)
    } else {
      writer.beginArray()
      for result in results {
        writer.beginObject()
        writer.text("type", "tool_result")
        writer.slice("tool_use_id", result.id)
        writer.key("content")
        try writeContent(result.parts, into: &writer)
        writer.endObject()
      }
      for part in parts { try write(part, into: &writer) }
      writer.endArray()
    }
    writer.endObject()
  }

  private static func writeContent(_ parts: [ChatPart], into writer: inout JSONWriter) throws(ChatRefusal) {
    if parts.count == 1, case .text(let text) = parts[0] { return writer.raw(text.raw) }
    writer.beginArray()
    for part in parts { try write(part, into: &writer) }
    writer.endArray()
  }

  private static func write(_ assistant: ChatAssistant, into writer: inout JSONWriter) throws(ChatRefusal) {
    writer.beginObject()
    writer.text("role", "assistant")
    writer.key("content")
    if assistant.calls.isEmpty {
      try writeContent(assistant.parts, into: &writer)
    } else {
      writer.beginArray()
      for part in assistant.parts {
        // Anthropic refuses empty texts, which OpenAI gives beside calls.
        if case .text(let text) = part, text.string?.isEmpty ?? true { continue }
        try write(part, into: &writer)
      }
      for call in assistant.calls {
        if call.signature != nil {
          throw ChatRefusal("tool_calls.extra_content", "has no counterpart at this provider")
        }
        writer.beginObject()
        writer.text("type", "tool_use")
        writer.slice("id", call.id)
        writer.slice("name", call.name)
        writer.key("input")
        writer.raw(call.arguments)
        writer.endObject()
      }
      writer.endArray()
    }
    writer.endObject()
  }

  private static func write(_ part: ChatPart, into writer: inout JSONWriter) throws(ChatRefusal) {
    switch part {
    case .text(let text): writeText(text, into: &writer)
    case .imageURL(let url):
      writeImage(into: &writer) { writer in
        writer.text("type", "url")
        writer.slice("url", url)
      }
    case .image(let type, let data):
      guard imageTypes.contains(type) else {
        throw ChatRefusal(
          "image_url.url", "holds a type that this provider does not take; allowed are jpeg, png, gif, webp")
      }
      writeImage(into: &writer) { writer in
        writer.text("type", "base64")
        writer.text("media_type", type)
        writer.text("data", data)
      }
    }
  }

  private static func writeImage(into writer: inout JSONWriter, _ source: (inout JSONWriter) -> Void) {
    writer.beginObject()
    writer.text("type", "image")
    writer.key("source")
    writer.beginObject()
    source(&writer)
    writer.endObject()
    writer.endObject()
  }

  // MARK: What is wanted

  private static func writeTools(_ chat: ChatRequest, into writer: inout JSONWriter) throws(ChatRefusal) {
    guard !chat.tools.isEmpty else { return }
    writer.key("tools")
    writer.beginArray()
    for tool in chat.tools {
      writer.beginObject()
      writer.slice("name", tool.name)
      if let description = tool.description { writer.slice("description", description) }
      writer.key("input_schema")
      if let parameters = tool.parameters {
        writer.raw(parameters.raw)
      } else {
        writer.raw(#"{"type":"object","properties":{}}"#.utf8)
      }
      if let isStrict = tool.isStrict {
        writer.key("strict")
        writer.bool(isStrict)
      }
      writer.endObject()
    }
    writer.endArray()
    guard chat.toolChoice != nil || chat.allowsParallelTools == false else { return }
    writer.key("tool_choice")
    writer.beginObject()
    var mayBeParallel = true
    switch chat.toolChoice {
    case .automatic, nil: writer.text("type", "auto")
    case .required: writer.text("type", "any")
    case .function(let name):
      writer.text("type", "tool")
      writer.slice("name", name)
    // With no call there is none beside it.
    case ChatToolChoice.none?:
      writer.text("type", "none")
      mayBeParallel = false
    }
    if chat.allowsParallelTools == false, mayBeParallel {
      writer.key("disable_parallel_tool_use")
      writer.bool(true)
    }
    writer.endObject()
  }

  private static func writeEffort(_ chat: ChatRequest, into writer: inout JSONWriter) throws(ChatRefusal) {
    var effort = chat.effort
    if effort == "none" {
      writer.key("thinking")
      writer.raw(#"{"type":"disabled"}"#.utf8)
      effort = nil
    }
    if let effort, !efforts.contains(effort) {
      throw ChatRefusal(
        "reasoning_effort", "has no counterpart; allowed are none, \(efforts.sorted().joined(separator: ", "))")
    }
    guard effort != nil || chat.schema != nil else { return }
    writer.key("output_config")
    writer.beginObject()
    if let effort { writer.text("effort", effort) }
    if let schema = chat.schema {
      writer.key("format")
      writer.beginObject()
      writer.text("type", "json_schema")
      writer.slice("schema", schema)
      writer.endObject()
    }
    writer.endObject()
  }

  // MARK: Back

  func completion(of answer: JSONSlice) -> ChatCompletion? {
    guard answer.kind == .object, let content = answer["content"], content.kind == .array else { return nil }
    var completion = ChatCompletion()
    completion.id = answer["id"]?.string ?? ""
    completion.model = answer["model"]?.string ?? ""
    for block in content.elements {
      switch block["type"]?.string {
      case "text": completion.text = (completion.text ?? "") + (block["text"]?.string ?? "")
      case "thinking": completion.reasoning = (completion.reasoning ?? "") + (block["thinking"]?.string ?? "")
      case "tool_use":
        let arguments = block["input"].map { Array($0.raw) } ?? Array("{}".utf8)
        completion.calls.append(
          .init(id: block["id"]?.string ?? "", name: block["name"]?.string ?? "", arguments: arguments))
      default: break
      }
    }
    // Nothing at all is an empty text.
    if completion.text == nil, completion.calls.isEmpty { completion.text = "" }
    completion.finish = Self.finish(answer["stop_reason"]?.string)
    if let usage = answer["usage"] {
      completion.usage = MessageUsage.usage(usage)
      completion.reasoningTokens = max(0, usage["output_tokens_details"]?["thinking_tokens"]?.int64 ?? 0)
    }
    return completion
  }

  private static func finish(_ reason: String?) -> ChatCompletion.FinishReason {
    switch reason {
    case "max_tokens", "model_context_window_exceeded": .length
    case "tool_use": .toolCalls
    case "refusal": .contentFilter
    default: .stop
    }
  }

  func error(of answer: JSONSlice) -> ErrorBody? { ErrorBody(answer) ?? ErrorBody(error: answer) }
}
