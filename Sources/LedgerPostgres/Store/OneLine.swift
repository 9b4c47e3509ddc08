/// Texts of other programs, made fit for one line of a log.
enum OneLine {
  private static let limit = 600

  /// Line breaks become "; ", other control characters and runs of spaces one space.
  static func of(_ text: some StringProtocol) -> String {
    var out = ""
    for line in text.split(whereSeparator: \.isNewline) {
      let words = line.split {
        $0.isWhitespace || $0.unicodeScalars.contains { $0.properties.generalCategory == .control }
      }
      if words.isEmpty { continue }
      if !out.isEmpty { out += "; " }
      out += words.joined(separator: " ")
    }
    return out.count > limit ? out.prefix(limit) + "…" : out
  }
}
