import Wire

/// One message of a conversation.
enum ChatTurn: Sendable {
  case user([ChatPart])
  case assistant(ChatAssistant)
  /// What a tool gave.
  case tool(id: JSONSlice, [ChatPart])
}

/// What a model said before.
struct ChatAssistant: Sendable {
  struct Call: Sendable {
    var id: JSONSlice
    var name: JSONSlice
    /// An object, on one line.
    var arguments: [UInt8]
    /// What the model gave with the call and wants back, a JSON string: in Google's member `extra_content`.
    var signature: JSONSlice?
  }

  var parts: [ChatPart] = []
  var calls: [Call] = []

  init(_ message: JSONSlice, _ field: String) throws(ChatRefusal) {
    if let content = message["content"], !content.isNull {
      parts = try ChatPart.parts(of: message, field, others: ["role", "content", "tool_calls"])
    } else {
      try ChatFields.only(["role", "content", "tool_calls"], of: message, field)
    }
    for (index, call) in (message["tool_calls"]?.elements.map { $0 } ?? []).enumerated() {
      calls.append(try Self.call(call, "\(field).tool_calls[\(index)]"))
    }
    if parts.isEmpty && calls.isEmpty { throw ChatRefusal(field + ".content", "is missing") }
  }

  private static func call(_ call: JSONSlice, _ field: String) throws(ChatRefusal) -> Call {
    try ChatFields.only(["id", "type", "function", "extra_content"], of: call, field)
    guard call["type"].map({ $0.string == "function" }) ?? true else {
      throw ChatRefusal(field + ".type", "has no counterpart; allowed is function")
    }
    guard let id = call["id"], id.string?.isEmpty == false else { throw ChatRefusal(field + ".id", "is missing") }
    guard let function = call["function"] else { throw ChatRefusal(field + ".function", "is missing") }
    try ChatFields.only(["name", "arguments"], of: function, field + ".function")
    guard let name = function["name"], name.string?.isEmpty == false else {
      throw ChatRefusal(field + ".function.name", "is missing")
    }
    // Text that holds JSON. Where a function has no parameters, models give nothing at all.
    let text = function["arguments"]?.string ?? ""
    let arguments = text.isEmpty ? "{}" : text
    guard let object = try? JSONSlice.parse(Array(arguments.utf8)), object.kind == .object else {
      throw ChatRefusal(field + ".function.arguments", "is no text of a JSON object")
    }
    // Breaks stand only between tokens.
    return Call(
      id: id, name: name, arguments: object.raw.map { $0 == 0x0A || $0 == 0x0D ? 0x20 : $0 },
      signature: try signature(call["extra_content"], field + ".extra_content"))
  }

  private static func signature(_ content: JSONSlice?, _ field: String) throws(ChatRefusal) -> JSONSlice? {
    guard let content, !content.isNull else { return nil }
    try ChatFields.only(["google"], of: content, field)
    guard let google = content["google"] else { return nil }
    try ChatFields.only(["thought_signature"], of: google, field + ".google")
    guard let signature = google["thought_signature"], !signature.isNull else { return nil }
    guard signature.kind == .string else { throw ChatRefusal(field + ".google.thought_signature", "is no string") }
    return signature
  }
}
