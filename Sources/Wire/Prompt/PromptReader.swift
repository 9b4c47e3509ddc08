public import BatchCore

/// Finds in a provider body what its tokens are counted from. Never fails: what has another form than the provider's
/// documentation gives it is left out, and left to the provider to refuse.
public struct PromptReader {
  private var prompt = PromptContent()

  /// - Parameter body: a provider body, validated.
  public static func read(_ body: JSONSlice, endpoint: Endpoint) -> PromptContent {
    var reader = PromptReader()
    switch endpoint {
    case .chatCompletions, .mistralChat: reader.chat(body)
    case .responses: reader.responses(body)
    case .embeddings: body["input"].map { reader.embedding($0) }
    case .messages: reader.messages(body)
    case .generateContent: reader.contents(body)
    }
    return reader.prompt
  }

  // MARK: Endpoints

  private mutating func chat(_ body: JSONSlice) {
    for member in body.members {
      if member.isNamed("messages") {
        for message in member.value.elements { self.message(message) }
      } else if member.isNamed("tools") {
        define { reader in for tool in member.value.elements { tool["function"].map { reader.function($0) } } }
      } else if member.isNamed("functions") {
        for tool in member.value.elements { function(tool) }
      } else if member.isNamed("response_format") {
        member.value["json_schema"].map { schema($0) }
      }
    }
  }

  /// Anthropic's shape.
  private mutating func messages(_ body: JSONSlice) {
    for member in body.members {
      if member.isNamed("system") {
        prompt.messages += 1
        blocks(member.value)
      } else if member.isNamed("messages") {
        for message in member.value.elements {
          prompt.messages += 1
          message["role"].map { add($0) }
          message["content"].map { blocks($0) }
        }
      } else if member.isNamed("tools") {
        define { reader in
          for tool in member.value.elements {
            reader.prompt.tools.functions += 1
            reader.addLine([tool["name"], tool["description"]])
            tool["input_schema"].map { reader.object($0) }
          }
        }
      } else if member.isNamed("output_config") {
        member.value["format"].map { schema($0) }
      }
    }
  }

  /// A text, or blocks of texts, images, calls of tools and what these gave.
  private mutating func blocks(_ content: JSONSlice, depth: Int = 0) {
    add(content)
    guard depth < 4 else { return }
    for block in content.elements {
      block["text"].map { add($0) }
      if block["source"] != nil { prompt.images.append(PromptImage(isLowDetail: false, size: nil)) }
      if let input = block["input"] {
        prompt.toolCalls += 1
        block["name"].map { add($0) }
        addRaw(input)
      }
      block["content"].map { blocks($0, depth: depth + 1) }
    }
  }

  /// Gemini's shape, whose members have two spellings.
  private mutating func contents(_ body: JSONSlice) {
    for member in body.members {
      switch member.key {
      case "systemInstruction", "system_instruction":
        prompt.messages += 1
        parts(member.value)
      case "contents":
        if member.value.kind == .object { turn(member.value) }
        for content in member.value.elements { turn(content) }
      case "tools":
        for tool in member.value.elements {
          let functions = tool["functionDeclarations"] ?? tool["function_declarations"]
          for function in functions?.elements.map({ $0 }) ?? [] {
            prompt.tools.functions += 1
            addLine([function["name"], function["description"]])
            (function["parametersJsonSchema"] ?? function["parameters"]).map { object($0) }
          }
        }
      case "generationConfig", "generation_config":
        for config in member.value.members
        where ["responseSchema", "responseJsonSchema", "response_schema"].contains(config.key) {
          addRaw(config.value)
        }
      default: break
      }
    }
  }

  private mutating func turn(_ content: JSONSlice) {
    prompt.messages += 1
    content["role"].map { add($0) }
    parts(content)
  }

  private mutating func parts(_ content: JSONSlice) {
    for part in content["parts"]?.elements.map({ $0 }) ?? [] {
      for member in part.members {
        switch member.key {
        case "text": add(member.value)
        case "inlineData", "inline_data", "fileData", "file_data":
          prompt.images.append(PromptImage(isLowDetail: false, size: nil))
        case "functionCall", "function_call", "functionResponse", "function_response":
          prompt.toolCalls += 1
          member.value["name"].map { add($0) }
          (member.value["args"] ?? member.value["response"]).map { addRaw($0) }
        default: break
        }
      }
    }
  }

  private mutating func responses(_ body: JSONSlice) {
    for member in body.members {
      if member.isNamed("instructions") {
        prompt.messages += 1
        add(member.value)
      } else if member.isNamed("input") {
        if member.value.kind == .string {
          prompt.messages += 1
          add(member.value)
        }
        for item in member.value.elements { self.item(item) }
      } else if member.isNamed("tools") {
        define { reader in
          for tool in member.value.elements where tool["parameters"] != nil { reader.function(tool) }
        }
      } else if member.isNamed("text") {
        guard let format = member.value["format"], format["schema"] != nil else { continue }
        schema(format)
      }
    }
  }

  /// A text, several, the ids of one, or several of those.
  private mutating func embedding(_ input: JSONSlice) {
    switch input.kind {
    case .string: add(input)
    case .number: prompt.tokenIDs += 1
    case .array: for element in input.elements { embedding(element) }
    case .object, .bool, .null: break
    }
  }

  // MARK: Messages

  private mutating func message(_ message: JSONSlice) {
    prompt.messages += 1
    for member in message.members {
      if member.isNamed("content") {
        content(member.value)
      } else if member.isNamed("role") || member.isNamed("refusal") {
        add(member.value)
      } else if member.isNamed("name") {
        prompt.names += 1
        add(member.value)
      } else if member.isNamed("tool_calls") {
        for call in member.value.elements { call["function"].map { self.call($0) } }
      } else if member.isNamed("function_call") {
        call(member.value)
      }
    }
  }

  /// An element of the input of the responses endpoint.
  private mutating func item(_ item: JSONSlice) {
    if item["arguments"] != nil { return call(item) }
    prompt.messages += 1
    for member in item.members {
      if member.isNamed("content") {
        content(member.value)
      } else if member.isNamed("role") || member.isNamed("output") {
        add(member.value)
      }
    }
  }

  private mutating func call(_ function: JSONSlice) {
    prompt.toolCalls += 1
    for member in function.members where member.isNamed("name") || member.isNamed("arguments") { add(member.value) }
  }

  private mutating func content(_ content: JSONSlice) {
    add(content)
    for part in content.elements {
      var image: JSONSlice?
      var detail: JSONSlice?
      for member in part.members {
        if member.isNamed("text") || member.isNamed("refusal") {
          add(member.value)
        } else if member.isNamed("image_url") {
          image = member.value.kind == .object ? member.value["url"] : member.value
          detail = member.value["detail"] ?? detail
        } else if member.isNamed("detail") {
          detail = member.value
        }
      }
      guard let image else { continue }
      prompt.images.append(
        PromptImage(isLowDetail: detail?.string == "low", size: ImageSize(dataURL: Self.spelled(image))))
    }
  }

  // MARK: Tools

  /// Where they stand in a body says nothing of where the model sees them.
  private mutating func define(_ read: (inout PromptReader) -> Void) {
    let start = prompt.text.count
    read(&self)
    prompt.definitions = start..<prompt.text.count
  }

  private mutating func function(_ function: JSONSlice) {
    prompt.tools.functions += 1
    addLine([function["name"], function["description"]])
    function["parameters"].map { object($0) }
  }

  private mutating func object(_ schema: JSONSlice) {
    guard let properties = schema["properties"] else { return }
    prompt.tools.objects += 1
    for property in properties.members {
      prompt.tools.properties += 1
      let value = property.value
      addLine([nil, value["type"], value["description"]], key: property.key)
      if let items = value["enum"] {
        prompt.tools.enums += 1
        for item in items.elements {
          prompt.tools.enumItems += 1
          add(item)
        }
      }
      object(value)
      value["items"].map { object($0) }
    }
  }

  /// A schema that the answer has to follow is shown to the model as JSON: so OpenAI has it for its open models.
  private mutating func schema(_ format: JSONSlice) {
    for member in format.members {
      if member.isNamed("name") || member.isNamed("description") {
        add(member.value)
      } else if member.isNamed("schema") {
        addRaw(member.value)
      }
    }
  }

  // MARK: Texts

  private mutating func add(_ value: JSONSlice) {
    guard value.kind == .string else { return }
    append(value)
    prompt.ends.append(prompt.text.count)
  }

  /// A value as a model is shown it: however it was laid out, providers parse it and write it anew.
  private mutating func addRaw(_ value: JSONSlice) {
    value.appendCompact(to: &prompt.text)
    prompt.ends.append(prompt.text.count)
  }

  /// Strings with colons between them; a point at the end of the last is dropped, as the provider does.
  private mutating func addLine(_ values: [JSONSlice?], key: String? = nil) {
    if let key { prompt.text.append(contentsOf: key.utf8) }
    for (index, value) in values.enumerated() {
      if index > 0 { prompt.text.append(UInt8(ascii: ":")) }
      if let value, value.kind == .string { append(value) }
    }
    if prompt.text.last == UInt8(ascii: ".") { prompt.text.removeLast() }
    prompt.ends.append(prompt.text.count)
  }

  private mutating func append(_ value: JSONSlice) {
    value.document.withUnsafeBufferPointer { document in
      let spelled = UnsafeBufferPointer(rebasing: document[Self.inside(value.range)])
      if JSONEscape.firstBackslash(spelled, from: 0) < spelled.count {
        prompt.text.append(contentsOf: JSONEscape.unescape(spelled))
      } else {
        prompt.text.append(contentsOf: spelled)
      }
    }
  }

  /// A string without its quotes, its escapes as they are; nothing for what is no string.
  private static func spelled(_ value: JSONSlice) -> ArraySlice<UInt8> {
    value.kind == .string ? value.document[inside(value.range)] : []
  }

  private static func inside(_ quoted: Range<Int>) -> Range<Int> { quoted.lowerBound + 1..<quoted.upperBound - 1 }
}
