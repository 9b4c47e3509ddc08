/// Replaces `${NAME}` and `${NAME:-default}` in a scalar; `$${` stands for a literal `${`.
enum Interpolation {
  /// Why a text cannot be completed.
  enum Failure: Error, Equatable {
    /// The variable is not set and the text gives no default.
    case missing(variable: String)
    case malformed
  }

  /// The variables that were looked up come back too: the environment check must know them.
  static func expand(
    _ text: String, _ environment: [String: String], looked: inout Set<String>
  ) throws(Failure) -> String {
    var out = ""
    var rest = text[...]
    while let dollar = rest.utf8.firstIndex(of: UInt8(ascii: "$")) {
      out += rest[..<dollar]
      rest = rest[dollar...]
      if rest.hasPrefix("$${") {
        out += "${"
        rest = rest.dropFirst(3)
      } else if rest.hasPrefix("${") {
        guard let close = closing(rest) else { throw .malformed }
        let inside = rest[rest.index(rest.startIndex, offsetBy: 2)..<close]
        out += try value(of: inside, environment, looked: &looked)
        rest = rest[rest.index(after: close)...]
      } else {
        out += "$"
        rest = rest.dropFirst()
      }
    }
    return out + rest
  }

  /// The variable that a text consists of, where it is nothing but `${NAME}`.
  static func soleVariable(_ text: String) -> String? {
    guard text.hasPrefix("${"), text.hasSuffix("}") else { return nil }
    let name = text.dropFirst(2).dropLast()
    return isName(name) ? String(name) : nil
  }

  /// The brace that closes the one at the start; a default may itself hold `${...}`.
  private static func closing(_ text: Substring) -> String.Index? {
    var depth = 0
    var position = text.startIndex
    while position < text.endIndex {
      if text[position...].hasPrefix("${") { depth += 1 }
      if text[position] == "}" {
        depth -= 1
        if depth == 0 { return position }
      }
      position = text.index(after: position)
    }
    return nil
  }

  private static func value(
    of inside: Substring, _ environment: [String: String], looked: inout Set<String>
  ) throws(Failure) -> String {
    let nameEnd = inside.firstIndex(of: ":") ?? inside.endIndex
    let name = inside[..<nameEnd]
    let tail = inside[nameEnd...]
    guard isName(name), tail.isEmpty || tail.hasPrefix(":-") else { throw .malformed }
    looked.insert(String(name))
    let found = environment[String(name)]
    // As in a shell, `:-` also replaces an empty value.
    if tail.isEmpty {
      guard let found else { throw .missing(variable: String(name)) }
      return found
    }
    if let found, !found.isEmpty { return found }
    return try expand(String(tail.dropFirst(2)), environment, looked: &looked)
  }

  private static func isName(_ text: Substring) -> Bool {
    guard let first = text.utf8.first, !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first) else { return false }
    return text.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
        true
      default: false
      }
    }
  }
}
