/// The parameters behind the question mark of a request target.
struct Query: Sendable {
  private var values: [String: String] = [:]

  init(_ target: String) {
    guard let mark = target.firstIndex(of: "?") else { return }
    for pair in target[target.index(after: mark)...].split(separator: "&") {
      let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      values[Self.decode(parts[0])] = parts.count == 2 ? Self.decode(parts[1]) : ""
    }
  }

  subscript(_ name: String) -> String? { values[name] }

  /// A whole number within bounds, or the default if it is absent.
  func number(_ name: String, _ range: ClosedRange<Int>, default fallback: Int) throws(APIError) -> Int {
    guard let text = values[name] else { return fallback }
    guard let value = Int(text), range.contains(value) else {
      throw .invalid(
        "Invalid '\(name)': expected a whole number from \(range.lowerBound) to \(range.upperBound).", param: name,
        code: "invalid_value")
    }
    return value
  }

  private static func decode(_ text: Substring) -> String {
    var bytes: [UInt8] = []
    var rest = text.utf8[...]
    while let byte = rest.popFirst() {
      if byte == UInt8(ascii: "%"), rest.count >= 2,
        let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
      {
        bytes.append(value)
        rest = rest.dropFirst(2)
      } else {
        bytes.append(byte == UInt8(ascii: "+") ? 0x20 : byte)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
