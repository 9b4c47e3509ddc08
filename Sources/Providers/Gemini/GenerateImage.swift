/// Which images Gemini takes.
enum GenerateImage {
  static let types: Set<String> = ["image/png", "image/jpeg", "image/webp", "image/heic", "image/heif"]

  /// By the end of the path; nil where that does not tell.
  static func type(ofURL url: String) -> String? {
    let path = url.prefix { $0 != "?" && $0 != "#" }
    guard let dot = path.lastIndex(of: ".") else { return nil }
    let ending = path[path.index(after: dot)...].lowercased()
    let type = "image/" + (ending == "jpg" ? "jpeg" : ending)
    return types.contains(type) ? type : nil
  }
}
