/// Writes settings as YAML, in the form that the reader takes back.
struct SettingsText {
  private(set) var yaml = ""
  private var depth = 0

  mutating func section(_ key: String, _ body: (inout SettingsText) -> Void) {
    line(key, "")
    depth += 1
    body(&self)
    depth -= 1
  }

  /// A value that needs no quotes: a number, a flag, a word of our own.
  mutating func plain(_ key: String, _ value: some CustomStringConvertible) {
    line(key, value.description)
  }

  mutating func text(_ key: String, _ value: String) {
    line(key, Self.quoted(value))
  }

  mutating func duration(_ key: String, _ value: Duration) {
    line(key, Quantities.text(value))
  }

  mutating func limit(_ key: String, _ value: Int?) {
    line(key, value.map(String.init) ?? "unlimited")
  }

  mutating func list(_ key: String, _ values: [String]) {
    line(key, "[" + values.map(Self.quoted).joined(separator: ", ") + "]")
  }

  private mutating func line(_ key: String, _ value: String) {
    let isWord = key.utf8.allSatisfy { byte in
      byte == UInt8(ascii: "_") || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
    }
    yaml += String(repeating: "  ", count: depth) + (isWord ? key : Self.quoted(key)) + ":"
    yaml += value.isEmpty ? "\n" : " \(value)\n"
  }

  private static func quoted(_ text: String) -> String {
    var out = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": out += "\\\""
      case "\\": out += "\\\\"
      case _ where scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value):
        let digits = String(scalar.value, radix: 16)
        out += "\\x" + String(repeating: "0", count: 2 - digits.utf8.count) + digits
      default: out.unicodeScalars.append(scalar)
      }
    }
    return (out + "\"").replacing("${", with: "$${")
  }
}
