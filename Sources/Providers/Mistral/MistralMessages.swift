import Wire

/// Messages of OpenAI's chat shape as Mistral takes them: other roles, fewer kinds of content, ids of calls of nine
/// characters.
enum MistralMessages {
  private static let details: Set<String> = ["auto", "low", "high"]

  static func write(_ messages: JSONSlice, into writer: inout JSONWriter) throws(ChatRefusal) {
    guard messages.kind == .array else { throw ChatRefusal("messages", "is no array") }
    var count = 0
    writer.beginArray()
    for message in messages.elements {
      try write(message, "messages[\(count)]", into: &writer)
      count += 1
    }
    writer.endArray()
    if count == 0 { throw ChatRefusal("messages", "holds no message") }
  }

  private static func write(
    _ message: JSONSlice, _ field: String, into writer: inout JSONWriter
  ) throws(ChatRefusal) {
    guard message.kind == .object, let role = message["role"]?.string else {
      throw ChatRefusal(field + ".role", "is missing")
    }
    switch role {
    case "system", "developer":
      try ChatFields.only(["role", "content"], of: message, field)
      try check(message["content"], field)
      writeStart("system", message["content"], into: &writer)
    case "user":
      try ChatFields.only(["role", "content"], of: message, field)
      try check(message["content"], field, takesImages: true)
      writeStart(role, message["content"], into: &writer)
    case "assistant":
      try ChatFields.only(["role", "content", "tool_calls"], of: message, field)
      let calls = message["tool_calls"].map { Array($0.elements) } ?? []
      let content = message["content"].flatMap { $0.isNull ? nil : $0 }
      if content != nil || calls.isEmpty { try check(content, field) }
      writeStart(role, content, into: &writer)
      if !calls.isEmpty { try write(calls: calls, field, into: &writer) }
    case "tool":
      try ChatFields.only(["role", "content", "tool_call_id"], of: message, field)
      try check(message["content"], field)
      writeStart(role, message["content"], into: &writer)
      guard let id = message["tool_call_id"]?.string, !id.isEmpty else {
        throw ChatRefusal(field + ".tool_call_id", "is missing")
      }
      writer.text("tool_call_id", MistralCallID.id(for: id))
    default:
      throw ChatRefusal(field + ".role", "has no counterpart; allowed are system, developer, user, assistant, tool")
    }
    writer.endObject()
  }

  private static func writeStart(_ role: String, _ content: JSONSlice?, into writer: inout JSONWriter) {
    writer.beginObject()
    writer.text("role", role)
    if let content { writer.slice("content", content) }
  }

  private static func write(
    calls: [JSONSlice], _ message: String, into writer: inout JSONWriter
  ) throws(ChatRefusal) {
    writer.key("tool_calls")
    writer.beginArray()
    for (index, call) in calls.enumerated() {
      let field = "\(message).tool_calls[\(index)]"
      try ChatFields.only(["id", "type", "function"], of: call, field)
      guard call["type"].map({ $0.string == "function" }) ?? true else {
        throw ChatRefusal(field + ".type", "has no counterpart; allowed is function")
      }
      guard let id = call["id"]?.string, !id.isEmpty else { throw ChatRefusal(field + ".id", "is missing") }
      guard let function = call["function"] else { throw ChatRefusal(field + ".function", "is missing") }
      try ChatFields.only(["name", "arguments"], of: function, field + ".function")
      guard let name = function["name"], name.string?.isEmpty == false else {
        throw ChatRefusal(field + ".function.name", "is missing")
      }
      writer.beginObject()
      writer.text("id", MistralCallID.id(for: id))
      writer.text("type", "function")
      writer.key("function")
      writer.beginObject()
      writer.slice("name", name)
      // Where a function has no parameters, models give nothing at all.
      if let arguments = function["arguments"], arguments.string?.isEmpty == false {
        writer.slice("arguments", arguments)
      } else {
        writer.text("arguments", "{}")
      }
      writer.endObject()
      writer.endObject()
    }
    writer.endArray()
  }

  // MARK: Content

  private static func check(
    _ content: JSONSlice?, _ message: String, takesImages: Bool = false
  ) throws(ChatRefusal) {
    let field = message + ".content"
    guard let content, content.kind == .string || content.kind == .array else {
      throw ChatRefusal(field, "is neither a string nor an array")
    }
    for (index, part) in content.elements.enumerated() {
      let field = "\(field)[\(index)]"
      switch part["type"]?.string {
      case "text":
        try ChatFields.only(["type", "text"], of: part, field)
        guard part["text"]?.kind == .string else { throw ChatRefusal(field + ".text", "is missing") }
      case "image_url" where takesImages:
        try ChatFields.only(["type", "image_url"], of: part, field)
        try check(image: part["image_url"], field + ".image_url")
      default:
        throw ChatRefusal(
          field + ".type", "has no counterpart; allowed \(takesImages ? "are text and image_url" : "is text")")
      }
    }
  }

  private static func check(image: JSONSlice?, _ field: String) throws(ChatRefusal) {
    guard let image else { throw ChatRefusal(field, "is missing") }
    try ChatFields.only(["url", "detail"], of: image, field)
    guard image["url"]?.string?.isEmpty == false else { throw ChatRefusal(field + ".url", "is missing") }
    if let detail = image["detail"], !detail.isNull, !(detail.string.map(details.contains) ?? false) {
      throw ChatRefusal(field + ".detail", "has no counterpart; allowed are auto, low and high")
    }
  }
}
