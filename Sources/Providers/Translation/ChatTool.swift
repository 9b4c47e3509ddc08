import Wire

/// A function that the model may call.
struct ChatTool: Sendable {
  var name: JSONSlice
  var description: JSONSlice?
  /// The JSON schema of its arguments.
  var parameters: JSONSlice?
  var isStrict: Bool?

  init(_ tool: JSONSlice, _ field: String) throws(ChatRefusal) {
    guard tool["type"]?.string == "function", let function = tool["function"] else {
      throw ChatRefusal(field + ".type", "has no counterpart; allowed is function")
    }
    try ChatFields.only(["type", "function"], of: tool, field)
    let field = field + ".function"
    try ChatFields.only(["name", "description", "parameters", "strict"], of: function, field)
    guard let name = function["name"], name.string?.isEmpty == false else {
      throw ChatRefusal(field + ".name", "is missing")
    }
    self.name = name
    description = function["description"].flatMap { $0.kind == .string ? $0 : nil }
    parameters = function["parameters"].flatMap { $0.isNull ? nil : $0 }
    guard parameters.map({ $0.kind == .object }) ?? true else {
      throw ChatRefusal(field + ".parameters", "is no object")
    }
    isStrict = function["strict"]?.bool
  }
}

/// Which function the model is to call.
enum ChatToolChoice: Sendable {
  case automatic
  case none
  case required
  /// By its name, a JSON string.
  case function(JSONSlice)

  init(_ value: JSONSlice) throws(ChatRefusal) {
    switch value.string {
    case "auto": self = .automatic
    case "none": self = .none
    case "required": self = .required
    default:
      guard value["type"]?.string == "function", let name = value["function"]?["name"], name.kind == .string else {
        throw ChatRefusal("tool_choice", "has no counterpart; allowed are auto, none, required and a function")
      }
      try ChatFields.only(["type", "function"], of: value, "tool_choice")
      self = .function(name)
    }
  }
}
