/// Makes text from outside fit for a log line or a URL.
enum ProviderText {
  private static let maximumBytes = 300

  /// One line of bounded length, without control characters and without keys.
  static func line(_ text: String, hiding keys: [APIKey] = []) -> String {
    var text = text
    for key in keys where !key.secret.isEmpty { text = text.replacing(key.secret, with: "***") }
    var line = ""
    for word in text.prefix(4 * maximumBytes).split(whereSeparator: isSeparator) {
      if !line.isEmpty { line += " " }
      line += withoutKey(word)
      if line.utf8.count > maximumBytes { return cut(line) }
    }
    return line
  }

  /// Providers quote a part of a key when they refuse it: `sk-` begins those of most, `AIza` Google's, and `eyJ` tokens,
  /// which are JSON in base 64.
  private static func withoutKey(_ word: Substring) -> String {
    for beginning in ["sk-", "AIza", "eyJ"] {
      if let found = word.firstRange(of: beginning) { return word[..<found.lowerBound] + beginning + "***" }
    }
    return String(word)
  }

  private static func isSeparator(_ character: Character) -> Bool {
    character.unicodeScalars.contains { scalar in
      scalar.value <= 0x20 || (0x7F..<0xA1).contains(scalar.value) || scalar.value == 0x2028 || scalar.value == 0x2029
    }
  }

  private static func cut(_ line: String) -> String {
    var result = ""
    for scalar in line.unicodeScalars {
      if result.utf8.count + scalar.utf8.count > maximumBytes { break }
      result.unicodeScalars.append(scalar)
    }
    return result + "…"
  }

  /// Bytes that are not UTF-8, with what is not replaced; nil where nothing is wrong. The rest of a result was paid for, and
  /// names who is to have it.
  static func repaired(_ bytes: [UInt8]) -> [UInt8]? {
    let text = Array(String(decoding: bytes, as: UTF8.self).utf8)
    return text == bytes ? nil : text
  }

  /// For one segment of a path or a query's value: ids are a provider's, and may hold anything.
  static func pathSegment(_ id: String) -> String {
    var encoded = ""
    for byte in id.utf8 {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "~"):
        encoded.unicodeScalars.append(Unicode.Scalar(byte))
      case UInt8(ascii: ".") where id != "." && id != "..":
        encoded.unicodeScalars.append(Unicode.Scalar(byte))
      default:
        let digits = String(byte, radix: 16, uppercase: true)
        encoded += "%" + (byte < 16 ? "0" : "") + digits
      }
    }
    return encoded
  }

  /// A URL without `user:password@`.
  static func withoutUserInfo(_ url: String) -> String {
    guard let scheme = url.firstRange(of: "://") else { return url }
    let rest = url[scheme.upperBound...]
    let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
    guard let at = authority.lastIndex(of: "@") else { return url }
    return String(url[..<scheme.upperBound] + rest[rest.index(after: at)...])
  }
}
