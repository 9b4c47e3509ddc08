import Wire

/// A piece of a message's content.
enum ChatPart: Sendable {
  /// A JSON string.
  case text(JSONSlice)
  /// By its address, a JSON string.
  case imageURL(JSONSlice)
  case image(mediaType: String, base64: String)

  /// The pieces of `content`: a string, or an array of text and images.
  /// - Parameter others: The members that the message may have.
  static func parts(of message: JSONSlice, _ field: String, others: Set<String>) throws(ChatRefusal) -> [ChatPart] {
    try ChatFields.only(others, of: message, field)
    let field = field + ".content"
    guard let content = message["content"], content.kind == .string || content.kind == .array else {
      throw ChatRefusal(field, "is neither a string nor an array")
    }
    if content.kind == .string { return [.text(content)] }
    var parts: [ChatPart] = []
    for (index, part) in content.elements.enumerated() { parts.append(try ChatPart(part, "\(field)[\(index)]")) }
    return parts
  }

  private init(_ part: JSONSlice, _ field: String) throws(ChatRefusal) {
    switch part["type"]?.string {
    case "text":
      try ChatFields.only(["type", "text"], of: part, field)
      guard let text = part["text"], text.kind == .string else { throw ChatRefusal(field + ".text", "is missing") }
      self = .text(text)
    case "image_url":
      try ChatFields.only(["type", "image_url"], of: part, field)
      self = try Self.image(part["image_url"], field + ".image_url")
    default: throw ChatRefusal(field + ".type", "has no counterpart; allowed are text and image_url")
    }
  }

  private static func image(_ image: JSONSlice?, _ field: String) throws(ChatRefusal) -> ChatPart {
    guard let image else { throw ChatRefusal(field, "is missing") }
    try ChatFields.only(["url", "detail"], of: image, field)
    if let detail = image["detail"], !detail.isNull, detail.string != "auto" {
      throw ChatRefusal(field + ".detail", "has no counterpart; allowed is auto")
    }
    guard let url = image["url"], let text = url.string, !text.isEmpty else {
      throw ChatRefusal(field + ".url", "is missing")
    }
    guard text.hasPrefix("data:") else { return .imageURL(url) }
    // data:image/png;base64,…
    let rest = text.dropFirst("data:".count)
    guard let comma = rest.firstIndex(of: ","), rest[..<comma].hasSuffix(";base64") else {
      throw ChatRefusal(field + ".url", "is no data: URL of base64")
    }
    return .image(
      mediaType: String(rest[..<comma].dropLast(";base64".count)), base64: String(rest[rest.index(after: comma)...]))
  }
}
