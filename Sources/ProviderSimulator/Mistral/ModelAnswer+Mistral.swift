import Wire

extension ModelAnswer {
  /// Mistral's chat completion. Where thinking is asked for, the content is in chunks.
  static func mistral(_ request: ModelRequest, _ id: String, _ created: Int, _ writer: inout JSONWriter) -> Int {
    var outputTokens = 0
    writer.beginObject()
    writer.field("id", id)
    writer.field("object", "chat.completion")
    writer.field("created", created)
    writer.field("model", request.model)
    writer.key("choices")
    writer.beginArray()
    for choice in 0..<request.choices {
      let completion = Completion(for: request, choice: choice)
      outputTokens += completion.tokens
      writer.beginObject()
      writer.field("index", choice)
      writer.field("finish_reason", completion.isTruncated ? "length" : "stop")
      writer.key("message")
      writer.beginObject()
      writer.field("role", "assistant")
      writer.key("tool_calls")
      writer.null()
      writer.key("content")
      write(completion, thinks: request.thinks, into: &writer)
      writer.endObject()
      writer.endObject()
    }
    writer.endArray()
    writer.key("usage")
    writer.beginObject()
    writer.field("prompt_tokens", request.inputTokens)
    writer.field("total_tokens", request.inputTokens + outputTokens)
    writer.field("completion_tokens", outputTokens)
    writer.key("prompt_audio_seconds")
    writer.null()
    writer.field("num_cached_tokens", 0)
    writer.endObject()
    writer.endObject()
    return outputTokens
  }

  private static func write(_ completion: Completion, thinks: Bool, into writer: inout JSONWriter) {
    guard thinks else { return writer.string(utf8: completion.text) }
    writer.beginArray()
    writer.raw(#"{"type":"thinking","thinking":[{"type":"text","text":"Let me see."}],"closed":true}"#.utf8)
    writer.beginObject()
    writer.field("type", "text")
    writer.key("text")
    writer.string(utf8: completion.text)
    writer.endObject()
    writer.endArray()
  }
}
