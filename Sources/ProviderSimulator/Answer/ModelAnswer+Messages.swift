import Wire

extension ModelAnswer {
  /// Anthropic's message.
  static func message(_ request: ModelRequest, _ id: String, _ writer: inout JSONWriter) -> Int {
    let completion = Completion(for: request)
    writer.beginObject()
    writer.field("id", "msg_" + id)
    writer.field("type", "message")
    writer.field("role", "assistant")
    writer.field("model", request.model)
    writer.key("content")
    writer.beginArray()
    writer.beginObject()
    writer.field("type", "text")
    writer.key("text")
    writer.string(utf8: completion.text)
    writer.endObject()
    writer.endArray()
    writer.field("stop_reason", completion.isTruncated ? "max_tokens" : "end_turn")
    writer.key("stop_sequence")
    writer.null()
    writer.key("usage")
    writer.beginObject()
    writer.field("input_tokens", request.inputTokens)
    writer.key("cache_creation_input_tokens")
    writer.null()
    writer.key("cache_read_input_tokens")
    writer.null()
    writer.key("service_tier")
    writer.null()
    writer.key("output_tokens_details")
    writer.raw(#"{"thinking_tokens":0}"#.utf8)
    writer.field("output_tokens", completion.tokens)
    writer.endObject()
    writer.endObject()
    return completion.tokens
  }
}
