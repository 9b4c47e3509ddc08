import BatchCore
import Wire

/// An answer, to be given as OpenAI gives it.
struct ChatCompletion: Sendable {
  enum FinishReason: String, Sendable {
    case stop
    case length
    case toolCalls = "tool_calls"
    case contentFilter = "content_filter"
  }

  struct Call: Sendable {
    var id: String
    var name: String
    /// A JSON object.
    var arguments: [UInt8]
    /// What the model wants back with the call.
    var signature: String?
  }

  var id = ""
  var model = ""
  /// Seconds since 1970; nil where the answer does not say.
  var created: Int64?
  /// Nil if the model said nothing but called functions.
  var text: String?
  /// What the model thought, where that is shown.
  var reasoning: String?
  var calls: [Call] = []
  var finish = FinishReason.stop
  var usage: Usage?
  var reasoningTokens: Int64 = 0

  /// - Parameter created: Where the answer does not say it.
  func json(created: Int64) -> [UInt8] {
    var writer = JSONWriter(capacity: 512)
    writer.beginObject()
    writer.text("id", id)
    writer.text("object", "chat.completion")
    writer.number("created", self.created ?? created)
    writer.text("model", model)
    writer.key("choices")
    writer.beginArray()
    writer.beginObject()
    writer.number("index", 0)
    writeMessage(into: &writer)
    writer.key("logprobs")
    writer.null()
    writer.text("finish_reason", finish.rawValue)
    writer.endObject()
    writer.endArray()
    if let usage { write(usage, into: &writer) }
    writer.endObject()
    return writer.bytes
  }

  private func writeMessage(into writer: inout JSONWriter) {
    writer.key("message")
    writer.beginObject()
    writer.text("role", "assistant")
    writer.key("content")
    if let text { writer.string(text) } else { writer.null() }
    writer.key("refusal")
    writer.null()
    if let reasoning { writer.text("reasoning_content", reasoning) }
    if !calls.isEmpty {
      writer.key("tool_calls")
      writer.beginArray()
      for call in calls {
        writer.beginObject()
        writer.text("id", call.id)
        writer.text("type", "function")
        writer.key("function")
        writer.beginObject()
        writer.text("name", call.name)
        writer.key("arguments")
        writer.string(utf8: call.arguments)
        writer.endObject()
        if let signature = call.signature {
          writer.key("extra_content")
          writer.beginObject()
          writer.key("google")
          writer.beginObject()
          writer.text("thought_signature", signature)
          writer.endObject()
          writer.endObject()
        }
        writer.endObject()
      }
      writer.endArray()
    }
    writer.endObject()
  }

  private func write(_ usage: Usage, into writer: inout JSONWriter) {
    writer.key("usage")
    writer.beginObject()
    writer.number("prompt_tokens", usage.inputTokens)
    writer.number("completion_tokens", usage.outputTokens)
    writer.number("total_tokens", Int64(clamping: Int128(usage.inputTokens) + Int128(usage.outputTokens)))
    writer.key("prompt_tokens_details")
    writer.beginObject()
    writer.number("cached_tokens", usage.cachedInputTokens)
    writer.number("cache_write_tokens", usage.cacheWriteTokens)
    writer.endObject()
    writer.key("completion_tokens_details")
    writer.beginObject()
    writer.number("reasoning_tokens", reasoningTokens)
    writer.endObject()
    writer.endObject()
  }
}

extension JSONWriter {
  mutating func text(_ name: String, _ value: String) {
    key(name)
    string(value)
  }

  mutating func number(_ name: String, _ value: Int64) {
    key(name)
    int(value)
  }

  /// A part of another document.
  mutating func slice(_ name: String, _ value: JSONSlice) {
    key(name)
    raw(value.raw)
  }
}
