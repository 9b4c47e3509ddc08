import BatchCore
import Wire

/// OpenAI's chat shape as a body of `generateContent`, and back.
struct GenerateTranslation: ChatTranslation {
  func body(of chat: ChatRequest, model: String) throws(ChatRefusal) -> [UInt8] {
    if chat.user != nil { throw ChatRefusal("user", "has no counterpart at this provider") }
    var writer = JSONWriter(capacity: 1024)
    writer.beginObject()
    if !chat.system.isEmpty {
      writer.key("systemInstruction")
      writer.beginObject()
      writer.key("parts")
      writer.beginArray()
      for text in chat.system { Self.writeText(text, into: &writer) }
      writer.endArray()
      writer.endObject()
    }
    writer.key("contents")
    writer.beginArray()
    try Self.writeTurns(chat.turns, into: &writer)
    writer.endArray()
    try Self.writeTools(chat, into: &writer)
    try Self.writeConfig(chat, model, into: &writer)
    writer.endObject()
    return writer.bytes
  }

  // MARK: Messages

  /// What tools gave stands in one content of the user, and says by its name which function gave it.
  private static func writeTurns(_ turns: [ChatTurn], into writer: inout JSONWriter) throws(ChatRefusal) {
    var names: [String: JSONSlice] = [:]
    var isInResults = false
    for turn in turns {
      if case .tool(let id, let parts) = turn {
        guard let name = id.string.flatMap({ names[$0] }) else {
          throw ChatRefusal("tool_call_id", "names no call of a message before it")
        }
        if !isInResults { begin("user", into: &writer) }
        isInResults = true
        try writeResult(id, name, parts, into: &writer)
        continue
      }
      if isInResults { end(&writer) }
      isInResults = false
      switch turn {
      case .user(let parts):
        begin("user", into: &writer)
        for part in parts { try write(part, into: &writer) }
        end(&writer)
      case .assistant(let assistant):
        for call in assistant.calls { if let id = call.id.string { names[id] = call.name } }
        try write(assistant, into: &writer)
      case .tool: break
      }
    }
    if isInResults { end(&writer) }
  }

  private static func begin(_ role: String, into writer: inout JSONWriter) {
    writer.beginObject()
    writer.text("role", role)
    writer.key("parts")
    writer.beginArray()
  }

  private static func end(_ writer: inout JSONWriter) {
    writer.endArray()
    writer.endObject()
  }

  private static func writeResult(
    _ id: JSONSlice, _ name: JSONSlice, _ parts: [ChatPart], into writer: inout JSONWriter
  ) throws(ChatRefusal) {
    var texts: [JSONSlice] = []
    for part in parts {
      guard case .text(let text) = part else {
        throw ChatRefusal("tool_call_id", "is of a result that holds more than text")
      }
      texts.append(text)
    }
    writer.beginObject()
    writer.key("functionResponse")
    writer.beginObject()
    writer.slice("id", id)
    writer.slice("name", name)
    writer.key("response")
    writer.beginObject()
    writer.key("output")
    if texts.count == 1 {
      writer.raw(texts[0].raw)
    } else {
      writer.beginArray()
      for text in texts { writer.raw(text.raw) }
      writer.endArray()
    }
    writer.endObject()
    writer.endObject()
    writer.endObject()
  }

  private static func write(_ assistant: ChatAssistant, into writer: inout JSONWriter) throws(ChatRefusal) {
    begin("model", into: &writer)
    for part in assistant.parts {
      // Beside calls OpenAI gives an empty text, which says nothing.
      if !assistant.calls.isEmpty, case .text(let text) = part, text.string?.isEmpty ?? true { continue }
      try write(part, into: &writer)
    }
    for call in assistant.calls {
      writer.beginObject()
      writer.key("functionCall")
      writer.beginObject()
      writer.slice("id", call.id)
      writer.slice("name", call.name)
      writer.key("args")
      writer.raw(call.arguments)
      writer.endObject()
      if let signature = call.signature { writer.slice("thoughtSignature", signature) }
      writer.endObject()
    }
    end(&writer)
  }

  private static func writeText(_ text: JSONSlice, into writer: inout JSONWriter) {
    writer.beginObject()
    writer.slice("text", text)
    writer.endObject()
  }

  private static func write(_ part: ChatPart, into writer: inout JSONWriter) throws(ChatRefusal) {
    switch part {
    case .text(let text): writeText(text, into: &writer)
    case .imageURL(let url):
      writer.beginObject()
      writer.key("fileData")
      writer.beginObject()
      if let type = GenerateImage.type(ofURL: url.string ?? "") { writer.text("mimeType", type) }
      writer.slice("fileUri", url)
      writer.endObject()
      writer.endObject()
    case .image(let type, let data):
      guard GenerateImage.types.contains(type) else {
        throw ChatRefusal(
          "image_url.url", "holds a type that this provider does not take; allowed are png, jpeg, webp, heic, heif")
      }
      writer.beginObject()
      writer.key("inlineData")
      writer.beginObject()
      writer.text("mimeType", type)
      writer.text("data", data)
      writer.endObject()
      writer.endObject()
    }
  }

  // MARK: What is wanted

  private static func writeTools(_ chat: ChatRequest, into writer: inout JSONWriter) throws(ChatRefusal) {
    guard !chat.tools.isEmpty else { return }
    if chat.allowsParallelTools == false {
      throw ChatRefusal("parallel_tool_calls", "has no counterpart at this provider; allowed is true")
    }
    writer.key("tools")
    writer.beginArray()
    writer.beginObject()
    writer.key("functionDeclarations")
    writer.beginArray()
    for tool in chat.tools {
      writer.beginObject()
      writer.slice("name", tool.name)
      if let description = tool.description { writer.slice("description", description) }
      if let parameters = tool.parameters { writer.slice("parametersJsonSchema", parameters) }
      writer.endObject()
    }
    writer.endArray()
    writer.endObject()
    writer.endArray()
    let isStrict = chat.tools.contains { $0.isStrict == true }
    guard chat.toolChoice != nil || isStrict else { return }
    writer.key("toolConfig")
    writer.beginObject()
    writer.key("functionCallingConfig")
    writer.beginObject()
    switch chat.toolChoice {
    // Arguments then keep to their schemas, as they do where a call is required.
    case .automatic, nil: writer.text("mode", isStrict ? "VALIDATED" : "AUTO")
    case .required: writer.text("mode", "ANY")
    case .function(let name):
      writer.text("mode", "ANY")
      writer.key("allowedFunctionNames")
      writer.beginArray()
      writer.raw(name.raw)
      writer.endArray()
    case ChatToolChoice.none?: writer.text("mode", "NONE")
    }
    writer.endObject()
    writer.endObject()
  }

  private static func writeConfig(
    _ chat: ChatRequest, _ model: String, into writer: inout JSONWriter
  ) throws(ChatRefusal) {
    var config = JSONWriter()
    config.beginObject()
    if let limit = chat.maximumTokens { config.number("maxOutputTokens", limit) }
    if let temperature = chat.temperature {
      guard let value = temperature.double, (0...2).contains(value) else {
        throw ChatRefusal("temperature", "is beyond what this provider takes; allowed is 0 to 2")
      }
      config.slice("temperature", temperature)
    }
    if let topP = chat.topP { config.slice("topP", topP) }
    if !chat.stop.isEmpty {
      config.key("stopSequences")
      config.beginArray()
      for text in chat.stop { config.raw(text.raw) }
      config.endArray()
    }
    if let schema = chat.schema {
      config.text("responseMimeType", "application/json")
      config.slice("responseJsonSchema", schema)
    }
    if let effort = chat.effort {
      config.key("thinkingConfig")
      try ThinkingEffort.write(effort, model, into: &config)
    }
    config.endObject()
    guard config.bytes.count > 2 else { return }
    writer.key("generationConfig")
    writer.raw(config.bytes)
  }

  // MARK: Back

  func completion(of answer: JSONSlice) -> ChatCompletion? { GenerateAnswer.completion(of: answer) }

  func error(of answer: JSONSlice) -> ErrorBody? { ErrorBody(answer) ?? ErrorBody(error: answer) }
}
