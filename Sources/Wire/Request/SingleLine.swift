/// Makes a valid document one line for every reader: CR and LF between tokens are dropped, U+2028 and U+2029 in strings
/// are escaped. No other byte changes.
enum SingleLine {
  static func rewrite(_ bytes: [UInt8]) -> [UInt8] {
    bytes.withUnsafeBufferPointer { source in
      var output: [UInt8] = []
      output.reserveCapacity(source.count)
      var copied = 0
      var index = 0
      func copy(upTo end: Int) {
        output.append(contentsOf: UnsafeBufferPointer(rebasing: source[copied..<end]))
      }
      while index < source.count {
        switch source[index] {
        case UInt8(ascii: "\""):
          index = JSONScanner.skipString(source, index)
        case 0x0A, 0x0D:
          copy(upTo: index)
          index += 1
          copied = index
        default:
          index += 1
        }
      }
      copy(upTo: source.count)
      return escapeSeparators(output)
    }
  }

  /// In valid JSON they stand in strings only.
  private static func escapeSeparators(_ bytes: [UInt8]) -> [UInt8] {
    bytes.withUnsafeBufferPointer { source in
      var output: [UInt8] = []
      var copied = 0
      var index = 0
      while index + 2 < source.count {
        guard source[index] == 0xE2, source[index + 1] == 0x80, source[index + 2] & 0xFE == 0xA8 else {
          index += 1
          continue
        }
        output.append(contentsOf: UnsafeBufferPointer(rebasing: source[copied..<index]))
        output.append(contentsOf: (source[index + 2] == 0xA8 ? "\\u2028" : "\\u2029").utf8)
        index += 3
        copied = index
      }
      if copied == 0 { return bytes }
      output.append(contentsOf: UnsafeBufferPointer(rebasing: source[copied...]))
      return output
    }
  }
}
