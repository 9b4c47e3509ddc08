import Wire

/// What Gemini checks in a body of `generateContent`: a name that it does not know is refused, wherever it stands.
enum GenerateRules {
  private static let members: Set<String> = [
    "model", "contents", "systemInstruction", "tools", "toolConfig", "safetySettings", "generationConfig",
    "cachedContent", "labels", "serviceTier", "store",
  ]
  private static let configMembers: Set<String> = [
    "maxOutputTokens", "temperature", "topP", "topK", "stopSequences", "candidateCount", "responseMimeType",
    "responseSchema", "responseJsonSchema", "thinkingConfig", "seed", "presencePenalty", "frequencyPenalty",
    "responseLogprobs", "logprobs", "responseModalities", "speechConfig", "imageConfig", "mediaResolution",
  ]
  private static let partMembers: Set<String> = [
    "text", "inlineData", "fileData", "functionCall", "functionResponse", "thought", "thoughtSignature",
    "executableCode", "codeExecutionResult", "videoMetadata", "mediaResolution",
  ]

  /// - Parameter model: What the address names.
  static func check(_ body: JSONSlice, model: String) throws(APIError) {
    try only(members, body, "")
    if let named = body["model"]?.string, named != model, named != "models/" + model {
      throw .invalid("The model of the body is not that of the address.")
    }
    if let config = body["generationConfig"] { try only(configMembers, config, "generation_config") }
    var index = 0
    for content in body["contents"]?.elements.map({ $0 }) ?? [] {
      let role = content["role"]?.string ?? "user"
      guard role == "user" || role == "model" || role == "function" else {
        throw .invalid("Please use a valid role: user, model.")
      }
      let parts = content["parts"]?.elements.map { $0 } ?? []
      guard !parts.isEmpty else { throw .invalid("contents[\(index)].parts: must not be empty") }
      for part in parts { try only(partMembers, part, "contents[\(index)].parts") }
      index += 1
    }
  }

  private static func only(_ names: Set<String>, _ object: JSONSlice, _ place: String) throws(APIError) {
    for member in object.members where !names.contains(camelCase(member.key)) {
      throw .invalid("Invalid JSON payload received. Unknown name \"\(member.key)\" at '\(place)': Cannot find field.")
    }
  }

  /// Both spellings are taken.
  private static func camelCase(_ name: String) -> String {
    let words = name.split(separator: "_")
    guard words.count > 1 else { return name }
    return String(words[0]) + words.dropFirst().map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
  }
}
