/// The one spelling of a JSON value by which prompts are told apart.
///
/// It is what `JSON.stringify` and Python's `json.dumps(value, ensure_ascii=False, separators=(",", ":"))` write:
/// no whitespace between tokens; in strings only the quote, the backslash and control characters are escaped. Numbers
/// and the order and repetition of keys stay as they are. Two bodies that differ only in spelling hash equal.
enum CanonicalJSON {
  /// - Parameter value: A valid JSON value, as ``JSONSlice/raw`` gives it.
  static func spell(_ value: ArraySlice<UInt8>) -> [UInt8] {
    var output: [UInt8] = []
    output.reserveCapacity(value.count)
    value.withUnsafeBufferPointer { bytes in
      var index = 0
      var isInString = false
      var runStart = 0
      // Runs that need no change are copied in one go.
      func copyRun(_ end: Int) {
        if end > runStart { output.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[runStart..<end])) }
      }
      while index < bytes.count {
        let byte = bytes[index]
        if isInString {
          if byte == UInt8(ascii: "\"") {
            isInString = false
          } else if byte == UInt8(ascii: "\\") {
            copyRun(index)
            index += unescape(bytes, index, &output)
            runStart = index
            continue
          }
        } else if byte == UInt8(ascii: "\"") {
          isInString = true
        } else if byte <= 0x20 {
          copyRun(index)
          runStart = index + 1
        }
        index += 1
      }
      copyRun(bytes.count)
    }
    return output
  }

  /// Appends what the escape at the index stands for, and returns its length.
  private static func unescape(_ bytes: UnsafeBufferPointer<UInt8>, _ index: Int, _ output: inout [UInt8]) -> Int {
    guard index + 1 < bytes.count else { return 1 }
    let letter = bytes[index + 1]
    switch letter {
    case UInt8(ascii: "u"):
      guard let unit = unit(bytes, index) else { return 2 }
      if unit & 0xFC00 == 0xD800, let low = self.unit(bytes, index + 6), low & 0xFC00 == 0xDC00 {
        append(0x10000 + (unit & 0x3FF) << 10 + low & 0x3FF, &output)
        return 12
      }
      append(unit, &output)
      return 6
    case UInt8(ascii: "/"): output.append(letter)
    default: output.append(contentsOf: [UInt8(ascii: "\\"), letter])
    }
    return 2
  }

  private static func unit(_ bytes: UnsafeBufferPointer<UInt8>, _ index: Int) -> UInt32? {
    guard index + 6 <= bytes.count, bytes[index] == UInt8(ascii: "\\"), bytes[index + 1] == UInt8(ascii: "u") else {
      return nil
    }
    return UInt32(String(decoding: bytes[index + 2..<index + 6], as: UTF8.self), radix: 16)
  }

  private static func append(_ code: UInt32, _ output: inout [UInt8]) {
    switch code {
    case 0x08: output.append(contentsOf: "\\b".utf8)
    case 0x09: output.append(contentsOf: "\\t".utf8)
    case 0x0A: output.append(contentsOf: "\\n".utf8)
    case 0x0C: output.append(contentsOf: "\\f".utf8)
    case 0x0D: output.append(contentsOf: "\\r".utf8)
    case 0x22: output.append(contentsOf: "\\\"".utf8)
    case 0x5C: output.append(contentsOf: "\\\\".utf8)
    case 0..<0x20, 0xD800...0xDFFF:
      // Half a surrogate pair has no bytes of its own; its escape stays.
      let digits = String(code, radix: 16)
      output.append(contentsOf: ("\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits).utf8)
    default:
      guard let scalar = Unicode.Scalar(code) else { return }
      output.append(contentsOf: UTF8.encode(scalar) ?? Unicode.UTF8.encodedReplacementCharacter)
    }
  }
}
