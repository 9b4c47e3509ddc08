import Wire

/// OpenAI's chat shape as Mistral takes it, and back: nearly the same, so that all is copied but what differs.
struct MistralTranslation: Sendable {
  /// Members that mean the same on both sides.
  private static let same: Set<String> = [
    "top_p", "stop", "n", "presence_penalty", "frequency_penalty", "parallel_tool_calls", "metadata", "logprobs",
    "top_logprobs", "prompt_cache_key",
  ]
  private static let efforts = ["none", "minimal", "low", "medium", "high", "xhigh", "max"]

  /// - Parameter model: The name of the model at the provider; nil where the body names none.
  /// - Throws: what has no counterpart: nothing is left out.
  func body(of bytes: [UInt8], model: String?) throws(ChatRefusal) -> [UInt8] {
    guard let body = try? JSONSlice.parse(bytes, maximumDepth: JSONDepth.answers) else {
      throw ChatRefusal("body", "is no JSON")
    }
    guard body.kind == .object else { throw ChatRefusal("body", "is no object") }
    var writer = JSONWriter(capacity: body.range.count + 64)
    var given: Set<String> = []
    writer.beginObject()
    // Null is what is not there.
    for member in body.members where !member.value.isNull {
      let name = Self.counterpart(of: member.key)
      guard given.insert(name).inserted else {
        throw ChatRefusal(member.key, "is given twice, or beside another member that means the same")
      }
      if name == "model" {
        if let model { writer.text(name, model) }
      } else {
        try Self.write(member, as: name, into: &writer)
      }
    }
    writer.endObject()
    for name in ["model", "messages"] where !given.contains(name) { throw ChatRefusal(name, "is missing") }
    return writer.bytes
  }

  private static func counterpart(of key: String) -> String {
    switch key {
    case "max_completion_tokens": "max_tokens"
    case "seed": "random_seed"
    default: key
    }
  }

  private static func write(
    _ member: JSONMember, as name: String, into writer: inout JSONWriter
  ) throws(ChatRefusal) {
    let (key, value) = (member.key, member.value)
    switch name {
    case "messages":
      writer.key(name)
      try MistralMessages.write(value, into: &writer)
    case "max_tokens":
      guard let limit = value.int64, limit > 0 else { throw ChatRefusal(key, "is no positive integer") }
      writer.number(name, limit)
    case "random_seed" where key == "seed":
      guard let seed = value.int64, seed >= 0 else { throw ChatRefusal(key, "is no integer of 0 or more") }
      writer.number(name, seed)
    case "temperature":
      guard let number = value.double, (0...1.5).contains(number) else {
        throw ChatRefusal(key, "is beyond what this provider takes; allowed is 0 to 1.5")
      }
      writer.slice(name, value)
    case "tools": try writeTools(value, into: &writer)
    case "tool_choice": try writeChoice(value, into: &writer)
    case "response_format":
      try checkFormat(value)
      writer.slice(name, value)
    case "reasoning_effort":
      guard value.string.map(efforts.contains) ?? false else {
        throw ChatRefusal(key, "has no counterpart; allowed are \(efforts.joined(separator: ", "))")
      }
      writer.slice(name, value)
    case "prediction":
      try ChatFields.only(["type", "content"], of: value, key)
      guard value["type"]?.string == "content", value["content"]?.kind == .string else {
        throw ChatRefusal(key + ".content", "has no counterpart; allowed is a string")
      }
      writer.slice(name, value)
    case "service_tier" where value.string == "auto": writer.slice(name, value)
    case "service_tier" where value.string == "default": writer.text(name, "standard_only")
    case _ where same.contains(name): writer.slice(name, value)
    default:
      guard isNeutral(key, value) else { throw ChatRefusal(key, "has no counterpart at this provider") }
    }
  }

  /// What means the same as leaving it out.
  private static func isNeutral(_ key: String, _ value: JSONSlice) -> Bool {
    switch key {
    case "stream", "store": value.bool == false
    case "logit_bias": value.kind == .object && value.members.first { _ in true } == nil
    case "modalities": value.elements.map { $0.string } == ["text"]
    default: false
    }
  }

  // MARK: What is wanted

  private static func writeTools(_ value: JSONSlice, into writer: inout JSONWriter) throws(ChatRefusal) {
    guard value.kind == .array else { throw ChatRefusal("tools", "is no array") }
    writer.key("tools")
    writer.beginArray()
    for (index, element) in value.elements.enumerated() {
      let tool = try ChatTool(element, "tools[\(index)]")
      guard tool.parameters == nil else {
        writer.raw(element.raw)
        continue
      }
      // Mistral wants a schema, also for a function without parameters.
      writer.beginObject()
      writer.text("type", "function")
      writer.key("function")
      writer.beginObject()
      writer.slice("name", tool.name)
      if let description = tool.description { writer.slice("description", description) }
      writer.key("parameters")
      writer.raw(#"{"type":"object","properties":{}}"#.utf8)
      if let isStrict = tool.isStrict {
        writer.key("strict")
        writer.bool(isStrict)
      }
      writer.endObject()
      writer.endObject()
    }
    writer.endArray()
  }

  private static func writeChoice(_ value: JSONSlice, into writer: inout JSONWriter) throws(ChatRefusal) {
    switch try ChatToolChoice(value) {
    case .required: writer.text("tool_choice", "any")
    case .automatic, .none, .function: writer.slice("tool_choice", value)
    }
  }

  private static func checkFormat(_ value: JSONSlice) throws(ChatRefusal) {
    try ChatFields.only(["type", "json_schema"], of: value, "response_format")
    switch value["type"]?.string {
    case "text", "json_object": break
    case "json_schema":
      let field = "response_format.json_schema"
      guard let format = value["json_schema"], format.kind == .object else { throw ChatRefusal(field, "is missing") }
      try ChatFields.only(["name", "description", "schema", "strict"], of: format, field)
      guard format["schema"]?.kind == .object else { throw ChatRefusal(field + ".schema", "is missing") }
    default:
      throw ChatRefusal("response_format.type", "has no counterpart; allowed are text, json_object and json_schema")
    }
  }
}
