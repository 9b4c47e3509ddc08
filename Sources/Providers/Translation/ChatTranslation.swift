import Wire

/// How a provider that speaks otherwise takes bodies of OpenAI's chat shape. Pure.
protocol ChatTranslation: Sendable {
  /// The provider's own body.
  /// - Parameter model: The name of the model at the provider.
  /// - Throws: what has no counterpart: nothing is left out.
  func body(of chat: ChatRequest, model: String) throws(ChatRefusal) -> [UInt8]

  /// The provider's answer as OpenAI would give it; nil if it is none that can be read.
  func completion(of answer: JSONSlice) -> ChatCompletion?

  /// The provider's refusal as OpenAI would give it.
  func error(of answer: JSONSlice) -> ErrorBody?
}

extension ChatTranslation {
  /// - Throws: also for bodies that are no JSON, which none is that was accepted.
  func body(of bytes: [UInt8], model: String) throws(ChatRefusal) -> [UInt8] {
    guard let slice = try? JSONSlice.parse(bytes, maximumDepth: JSONDepth.answers) else {
      throw ChatRefusal("body", "is no JSON")
    }
    return try body(of: try ChatRequest(slice), model: model)
  }

  /// An answer's bytes in OpenAI's shape; as they are if they cannot be read, since they were paid for.
  /// - Parameter created: Seconds since 1970, for answers that do not say when they were made.
  func answer(_ bytes: [UInt8], isSuccess: Bool, created: Int64) -> [UInt8] {
    guard let slice = try? JSONSlice.parse(bytes, maximumDepth: JSONDepth.answers) else { return bytes }
    if isSuccess { return completion(of: slice)?.json(created: created) ?? bytes }
    return error(of: slice)?.openAIJSON ?? bytes
  }
}

extension ErrorBody {
  /// `{"error": …}` as OpenAI writes it.
  var openAIJSON: [UInt8] {
    var writer = JSONWriter()
    writer.beginObject()
    writer.key("error")
    writer.beginObject()
    writer.key("message")
    writer.string(message)
    writer.key("type")
    if let type { writer.string(type) } else { writer.null() }
    writer.key("param")
    writer.null()
    writer.key("code")
    if let code { writer.string(code) } else { writer.null() }
    writer.endObject()
    writer.endObject()
    return writer.bytes
  }
}
