import Wire

extension ModelAnswer {
  /// Gemini's answer. Thoughts are counted beside what comes out, and billed like it.
  static func generated(
    _ request: ModelRequest, _ id: String, thinks: Bool, _ writer: inout JSONWriter
  ) -> Int {
    let completion = Completion(for: request)
    let thoughts = thinks ? Int(request.promptHash % 50) : 0
    writer.beginObject()
    writer.key("candidates")
    writer.beginArray()
    writer.beginObject()
    writer.key("content")
    writer.beginObject()
    writer.key("parts")
    writer.beginArray()
    writer.beginObject()
    writer.key("text")
    writer.string(utf8: completion.text)
    writer.endObject()
    writer.endArray()
    writer.field("role", "model")
    writer.endObject()
    writer.field("finishReason", completion.isTruncated ? "MAX_TOKENS" : "STOP")
    writer.field("index", 0)
    writer.endObject()
    writer.endArray()
    writer.key("usageMetadata")
    writer.beginObject()
    writer.field("promptTokenCount", request.inputTokens)
    writer.field("candidatesTokenCount", completion.tokens)
    if thoughts > 0 { writer.field("thoughtsTokenCount", thoughts) }
    writer.field("totalTokenCount", request.inputTokens + completion.tokens + thoughts)
    writer.key("promptTokensDetails")
    writer.raw(#"[{"modality":"TEXT","tokenCount":\#(request.inputTokens)}]"#.utf8)
    writer.endObject()
    writer.field("modelVersion", request.model)
    writer.field("responseId", id)
    writer.endObject()
    return completion.tokens + thoughts
  }
}
