import BatchCore
import Wire

/// The body that answers a request, and what it costs in tokens.
struct ModelAnswer: Sendable {
  var body: [UInt8]
  var inputTokens: Int
  var cachedTokens: Int
  var outputTokens: Int

  /// - Parameters:
  ///   - id: 24 letters and digits, without prefix.
  ///   - created: Seconds since 1970.
  ///   - defaultDimensions: Length of an embedding that asks for none.
  ///   - thinks: Whether Gemini's models think, which is billed.
  ///   - cachedTokens: How much of the input the prompt cache has.
  init(
    to request: ModelRequest, id: String, created: Int, defaultDimensions: Int, thinks: Bool = true,
    cachedTokens: Int = 0
  ) {
    inputTokens = request.inputTokens
    self.cachedTokens = cachedTokens
    var writer = JSONWriter(capacity: 1024)
    switch request.endpoint {
    case .chatCompletions: outputTokens = Self.chat(request, id, created, cachedTokens, &writer)
    case .responses: outputTokens = Self.response(request, id, created, cachedTokens, &writer)
    case .mistralChat: outputTokens = Self.mistral(request, id, created, &writer)
    case .messages: outputTokens = Self.message(request, id, &writer)
    case .generateContent: outputTokens = Self.generated(request, id, thinks: thinks, &writer)
    case .embeddings:
      outputTokens = 0
      Self.embeddings(request, id, defaultDimensions, &writer)
    }
    body = writer.bytes
  }

  private static func chat(
    _ request: ModelRequest, _ id: String, _ created: Int, _ cached: Int, _ writer: inout JSONWriter
  ) -> Int {
    var outputTokens = 0
    writer.beginObject()
    writer.field("id", "chatcmpl-" + id)
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
      writer.key("message")
      writer.beginObject()
      writer.field("role", "assistant")
      writer.key("content")
      writer.string(utf8: completion.text)
      writer.key("refusal")
      writer.null()
      writer.key("annotations")
      writer.beginArray()
      writer.endArray()
      writer.endObject()
      writer.key("logprobs")
      writer.null()
      writer.field("finish_reason", completion.isTruncated ? "length" : "stop")
      writer.endObject()
    }
    writer.endArray()
    writer.key("usage")
    writer.beginObject()
    writer.field("prompt_tokens", request.inputTokens)
    writer.field("completion_tokens", outputTokens)
    writer.field("total_tokens", request.inputTokens + outputTokens)
    writer.key("prompt_tokens_details")
    writer.raw(#"{"cached_tokens":\#(cached),"audio_tokens":0}"#.utf8)
    writer.key("completion_tokens_details")
    writer.raw(
      #"{"reasoning_tokens":0,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}"#.utf8)
    writer.endObject()
    writer.field("service_tier", "default")
    writer.field("system_fingerprint", "fp_simulator")
    writer.endObject()
    return outputTokens
  }

  private static func response(
    _ request: ModelRequest, _ id: String, _ created: Int, _ cached: Int, _ writer: inout JSONWriter
  ) -> Int {
    let completion = Completion(for: request)
    let status = completion.isTruncated ? "incomplete" : "completed"
    writer.beginObject()
    writer.field("id", "resp_" + id)
    writer.field("object", "response")
    writer.field("created_at", created)
    writer.field("status", status)
    writer.key("error")
    writer.null()
    writer.key("incomplete_details")
    writer.raw((completion.isTruncated ? #"{"reason":"max_output_tokens"}"# : "null").utf8)
    writer.key("instructions")
    writer.null()
    writer.key("max_output_tokens")
    writer.int(orNull: request.maximumOutputTokens)
    writer.field("model", request.model)
    writer.key("output")
    writer.beginArray()
    writer.beginObject()
    writer.field("type", "message")
    writer.field("id", "msg_" + id)
    writer.field("status", status)
    writer.field("role", "assistant")
    writer.key("content")
    writer.beginArray()
    writer.beginObject()
    writer.field("type", "output_text")
    writer.key("text")
    writer.string(utf8: completion.text)
    writer.key("annotations")
    writer.beginArray()
    writer.endArray()
    writer.endObject()
    writer.endArray()
    writer.endObject()
    writer.endArray()
    writer.key("parallel_tool_calls")
    writer.bool(true)
    writer.key("previous_response_id")
    writer.null()
    writer.key("reasoning")
    writer.raw(#"{"effort":null,"summary":null}"#.utf8)
    writer.field("service_tier", "default")
    writer.key("store")
    writer.bool(false)
    writer.key("temperature")
    writer.raw("1.0".utf8)
    writer.key("text")
    writer.raw(#"{"format":{"type":"text"}}"#.utf8)
    writer.field("tool_choice", "auto")
    writer.key("tools")
    writer.beginArray()
    writer.endArray()
    writer.key("top_p")
    writer.raw("1.0".utf8)
    writer.field("truncation", "disabled")
    writer.key("usage")
    writer.beginObject()
    writer.field("input_tokens", request.inputTokens)
    writer.key("input_tokens_details")
    writer.raw(#"{"cached_tokens":\#(cached)}"#.utf8)
    writer.field("output_tokens", completion.tokens)
    writer.key("output_tokens_details")
    writer.raw(#"{"reasoning_tokens":0}"#.utf8)
    writer.field("total_tokens", request.inputTokens + completion.tokens)
    writer.endObject()
    writer.key("metadata")
    writer.raw("{}".utf8)
    writer.endObject()
    return completion.tokens
  }

  private static func embeddings(
    _ request: ModelRequest, _ id: String, _ defaultDimensions: Int, _ writer: inout JSONWriter
  ) {
    writer.beginObject()
    if request.isMistral { writer.field("id", id) }
    writer.field("object", "list")
    writer.key("data")
    writer.beginArray()
    for (index, input) in request.embedding.inputs.enumerated() {
      let vector = EmbeddingVector(of: input, dimensions: request.embedding.dimensions ?? defaultDimensions)
      writer.beginObject()
      writer.field("object", "embedding")
      writer.field("index", index)
      writer.key("embedding")
      if request.embedding.isBase64 { writer.string(utf8: vector.base64) } else { writer.raw(vector.json) }
      writer.endObject()
    }
    writer.endArray()
    writer.field("model", request.model)
    writer.key("usage")
    writer.beginObject()
    writer.field("prompt_tokens", request.inputTokens)
    writer.field("total_tokens", request.inputTokens)
    writer.endObject()
    writer.endObject()
  }
}

extension JSONWriter {
  mutating func field(_ name: String, _ value: String) {
    key(name)
    string(value)
  }

  mutating func field(_ name: String, _ value: some BinaryInteger) {
    key(name)
    int(value)
  }
}
