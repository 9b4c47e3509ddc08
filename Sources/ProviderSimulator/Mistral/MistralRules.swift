import Wire

/// What Mistral checks in a body of chat completions besides what all bodies have.
enum MistralRules {
  private static let members: Set<String> = [
    "model", "messages", "temperature", "top_p", "max_tokens", "stream", "stop", "random_seed", "metadata",
    "response_format", "tools", "tool_choice", "presence_penalty", "frequency_penalty", "min_tokens",
    "repetition_penalty", "top_k", "logprobs", "top_logprobs", "prompt_logprobs", "top_prompt_logprobs", "n",
    "prediction", "parallel_tool_calls", "reasoning_effort", "prompt_mode", "guardrails", "prompt_cache_key",
    "service_tier", "safe_prompt",
  ]
  /// Of a message, by its role.
  private static let messageMembers: [String: Set<String>] = [
    "system": ["role", "content"], "user": ["role", "content"],
    "assistant": ["role", "content", "tool_calls", "prefix"], "tool": ["role", "content", "tool_call_id", "name"],
  ]

  static func check(_ body: JSONSlice) throws(APIError) {
    for member in body.members where !members.contains(member.key) { throw extra(member.key) }
    for (index, message) in (body["messages"]?.elements.map { $0 } ?? []).enumerated() {
      try check(message, "messages.\(index)")
    }
    if let warmth = body["temperature"]?.double, warmth > 1.5 {
      throw .mistral("temperature", "Input should be less than or equal to 1.5", "less_than_equal")
    }
    for (index, tool) in (body["tools"]?.elements.map { $0 } ?? []).enumerated()
    where tool["function"]?["parameters"]?.kind != .object {
      throw .mistral("tools.\(index).function.parameters", "Field required", "missing")
    }
    if let choice = body["tool_choice"]?.string, !["auto", "none", "any", "required"].contains(choice) {
      throw .mistral("tool_choice", "Input should be 'auto', 'none', 'any' or 'required'", "enum")
    }
    if let tier = body["service_tier"], !tier.isNull, tier.string != "auto", tier.string != "standard_only" {
      throw .mistral("service_tier", "Input should be 'auto' or 'standard_only'", "enum")
    }
  }

  private static func check(_ message: JSONSlice, _ place: String) throws(APIError) {
    guard let role = message["role"]?.string, let allowed = messageMembers[role] else {
      throw .mistral(place + ".role", "Input should be 'system', 'user', 'assistant' or 'tool'", "literal_error")
    }
    for member in message.members where !allowed.contains(member.key) { throw extra("\(place).\(member.key)") }
    for part in message["content"]?.elements.map({ $0 }) ?? [] where part["type"]?.string == nil {
      throw .mistral(place + ".content", "Unable to extract tag using discriminator 'type'", "union_tag_not_found")
    }
    for call in message["tool_calls"]?.elements.map({ $0 }) ?? [] { try check(id: call["id"]) }
    if role == "tool" { try check(id: message["tool_call_id"]) }
  }

  private static func check(id: JSONSlice?) throws(APIError) {
    let text = id?.string ?? "null"
    let isFit =
      text.utf8.count == 9
      && text.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"):
          true
        default: false
        }
      }
    guard !isFit else { return }
    throw APIError(
      status: 400, message: "Tool call id was \(text) but must be a-z, A-Z, 0-9, with a length of 9.",
      type: "invalid_function_call", code: "3280", reason: "invalid_request")
  }

  private static func extra(_ path: String) -> APIError {
    .mistral(path, "Extra inputs are not permitted", "extra_forbidden")
  }
}
