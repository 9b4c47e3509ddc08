import Wire

extension MistralTranslation {
  /// An answer's bytes in OpenAI's shape; as they are if they cannot be read, since they were paid for.
  func answer(_ bytes: [UInt8], isSuccess: Bool) -> [UInt8] {
    guard let answer = try? JSONSlice.parse(bytes, maximumDepth: JSONDepth.answers) else { return bytes }
    guard isSuccess else { return ErrorBody(answer)?.openAIJSON ?? bytes }
    guard answer.kind == .object, let choices = answer["choices"], choices.kind == .array,
      choices.elements.allSatisfy({ $0["message"]?.kind == .object })
    else { return bytes }
    var writer = JSONWriter(capacity: bytes.count + 64)
    writer.beginObject()
    for member in answer.members {
      writer.key(member.key)
      guard member.isNamed("choices") else {
        writer.raw(member.value.raw)
        continue
      }
      writer.beginArray()
      for choice in member.value.elements { Self.write(choice: choice, into: &writer) }
      writer.endArray()
    }
    writer.endObject()
    return writer.bytes
  }

  private static func write(choice: JSONSlice, into writer: inout JSONWriter) {
    guard choice.kind == .object else { return writer.raw(choice.raw) }
    writer.beginObject()
    for member in choice.members {
      writer.key(member.key)
      if member.isNamed("message"), member.value.kind == .object {
        write(message: member.value, into: &writer)
      } else if member.isNamed("finish_reason"), member.value.string == "model_length" {
        writer.string("length")
      } else {
        writer.raw(member.value.raw)
      }
    }
    writer.endObject()
  }

  private static func write(message: JSONSlice, into writer: inout JSONWriter) {
    let content = MistralContent(message["content"])
    let calls = message["tool_calls"].map { Array($0.elements) } ?? []
    writer.beginObject()
    writer.text("role", "assistant")
    writer.key("content")
    if let text = content.text {
      writer.raw(text)
    } else if calls.isEmpty {
      // Nothing at all is an empty text.
      writer.string("")
    } else {
      writer.null()
    }
    writer.key("refusal")
    writer.null()
    if let reasoning = content.reasoning { writer.text("reasoning_content", reasoning) }
    if !calls.isEmpty {
      writer.key("tool_calls")
      writer.beginArray()
      for call in calls { write(call: call, into: &writer) }
      writer.endArray()
    }
    let own: Set<String> = ["role", "content", "refusal", "tool_calls", "reasoning_content"]
    for member in message.members where !own.contains(member.key) {
      writer.key(member.key)
      writer.raw(member.value.raw)
    }
    writer.endObject()
  }

  private static func write(call: JSONSlice, into writer: inout JSONWriter) {
    let function = call["function"]
    writer.beginObject()
    writer.text("id", call["id"]?.string ?? "")
    writer.text("type", "function")
    writer.key("function")
    writer.beginObject()
    writer.text("name", function?["name"]?.string ?? "")
    writer.key("arguments")
    // OpenAI gives them as a text.
    if let arguments = function?["arguments"], !arguments.isNull {
      if arguments.kind == .string { writer.raw(arguments.raw) } else { writer.string(utf8: arguments.raw) }
    } else {
      writer.string("{}")
    }
    writer.endObject()
    writer.endObject()
  }
}

/// What a message says: a text, or chunks of texts and thoughts.
private struct MistralContent {
  /// A JSON string; nil if nothing is said.
  var text: [UInt8]?
  var reasoning: String?

  init(_ content: JSONSlice?) {
    guard let content else { return }
    if content.kind == .string {
      text = Array(content.raw)
      return
    }
    var said: String?
    for chunk in content.elements {
      if let piece = chunk["text"]?.string { said = (said ?? "") + piece }
      guard let thoughts = chunk["thinking"] else { continue }
      let pieces = thoughts.string.map { [$0] } ?? thoughts.elements.compactMap { $0["text"]?.string }
      reasoning = (reasoning ?? "") + pieces.joined()
    }
    guard let said else { return }
    var writer = JSONWriter(capacity: said.utf8.count + 8)
    writer.string(said)
    text = writer.bytes
  }
}
