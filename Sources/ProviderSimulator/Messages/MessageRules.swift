import Wire

/// What Anthropic checks in a body of Messages besides what all bodies have.
enum MessageRules {
  private static let members: Set<String> = [
    "model", "messages", "max_tokens", "system", "metadata", "stop_sequences", "stream", "temperature", "top_k",
    "top_p",
    "tools", "tool_choice", "thinking", "service_tier", "container", "context_management", "mcp_servers",
    "output_config", "output_format", "inference_geo", "cache_control",
  ]
  /// The first version that takes no sampling parameters.
  static let versionWithoutSampling = "2026-10-21"

  static func check(_ body: JSONSlice) throws(APIError) {
    for member in body.members where !members.contains(member.key) {
      throw .invalid("\(member.key): Extra inputs are not permitted")
    }
    var index = 0
    for message in body["messages"]?.elements.map({ $0 }) ?? [] {
      let role = message["role"]?.string ?? ""
      guard role == "user" || role == "assistant" else {
        throw .invalid("messages.\(index).role: Input should be 'user' or 'assistant'")
      }
      guard let content = message["content"], content.kind == .string || content.kind == .array else {
        throw .invalid("messages.\(index).content: Field required")
      }
      for block in content.elements where block["type"]?.string == nil {
        throw .invalid("messages.\(index).content: Input tag 'type' is required")
      }
      index += 1
    }
    for tool in body["tools"]?.elements.map({ $0 }) ?? [] where tool["name"]?.string == nil {
      throw .invalid("tools.0.name: Field required")
    }
  }

  static func check(_ body: JSONSlice, version: String) throws(APIError) {
    guard version >= versionWithoutSampling else { return }
    for name in ["temperature", "top_p", "top_k"] where body[name] != nil {
      throw .invalid("\(name): not supported in version \(version)")
    }
  }
}
