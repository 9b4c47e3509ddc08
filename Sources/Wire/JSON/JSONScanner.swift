/// Finds the ends of values in bytes that are known to be a valid document.
enum JSONScanner {
  /// The next byte that is neither whitespace nor a comma nor a colon.
  static func skipToToken(_ bytes: UnsafeBufferPointer<UInt8>, _ start: Int) -> Int {
    var index = start
    while index < bytes.count {
      switch bytes[index] {
      case 0x20, 0x09, 0x0A, 0x0D, UInt8(ascii: ","), UInt8(ascii: ":"): index += 1
      default: return index
      }
    }
    return index
  }

  static func skipWhitespace(_ bytes: UnsafeBufferPointer<UInt8>, _ start: Int) -> Int {
    var index = start
    while index < bytes.count {
      switch bytes[index] {
      case 0x20, 0x09, 0x0A, 0x0D: index += 1
      default: return index
      }
    }
    return index
  }

  /// The index behind the value that begins here.
  static func skipValue(_ bytes: UnsafeBufferPointer<UInt8>, _ start: Int) -> Int {
    guard start < bytes.count else { return bytes.count }
    switch bytes[start] {
    case UInt8(ascii: "\""): return skipString(bytes, start)
    case UInt8(ascii: "{"), UInt8(ascii: "["): return skipContainer(bytes, start)
    default: return skipScalar(bytes, start)
    }
  }

  /// The index behind the closing quote.
  static func skipString(_ bytes: UnsafeBufferPointer<UInt8>, _ start: Int) -> Int {
    var index = start + 1
    while index < bytes.count {
      if index + 8 <= bytes.count {
        let word = SWAR.load(bytes, index)
        let mask = SWAR.equal(word, UInt8(ascii: "\"")) | SWAR.equal(word, UInt8(ascii: "\\"))
        guard mask != 0 else {
          index += 8
          continue
        }
        index += SWAR.first(mask)
      }
      switch bytes[index] {
      case UInt8(ascii: "\""): return index + 1
      case UInt8(ascii: "\\"): index += 2
      default: index += 1
      }
    }
    return bytes.count
  }

  private static func skipContainer(_ bytes: UnsafeBufferPointer<UInt8>, _ start: Int) -> Int {
    var index = start
    var depth = 0
    while index < bytes.count {
      switch bytes[index] {
      case UInt8(ascii: "\""):
        index = skipString(bytes, index)
        continue
      case UInt8(ascii: "{"), UInt8(ascii: "["):
        depth += 1
      case UInt8(ascii: "}"), UInt8(ascii: "]"):
        depth -= 1
        if depth == 0 { return index + 1 }
      default:
        break
      }
      index += 1
    }
    return bytes.count
  }

  private static func skipScalar(_ bytes: UnsafeBufferPointer<UInt8>, _ start: Int) -> Int {
    var index = start
    while index < bytes.count {
      switch bytes[index] {
      case 0x20, 0x09, 0x0A, 0x0D, UInt8(ascii: ","), UInt8(ascii: "}"), UInt8(ascii: "]"): return index
      default: index += 1
      }
    }
    return index
  }

  /// The text of the string at the range, quotes included in the range.
  static func text(_ document: [UInt8], _ range: Range<Int>) -> String {
    document.withUnsafeBufferPointer { bytes in
      let inner = UnsafeBufferPointer(rebasing: bytes[range.lowerBound + 1..<range.upperBound - 1])
      guard JSONEscape.firstBackslash(inner, from: 0) < inner.count else {
        return String(decoding: inner, as: UTF8.self)
      }
      return String(decoding: JSONEscape.unescape(inner), as: UTF8.self)
    }
  }
}
