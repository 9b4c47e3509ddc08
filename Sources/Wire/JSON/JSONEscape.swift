/// Reads the escapes of JSON strings.
enum JSONEscape {
  /// The code unit that the four hexadecimal digits at the index spell.
  static func unit(_ bytes: UnsafeBufferPointer<UInt8>, _ index: Int) -> UInt16? {
    guard index + 4 <= bytes.count else { return nil }
    var unit: UInt16 = 0
    for byte in bytes[index..<index + 4] {
      let digit: UInt8
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte &- UInt8(ascii: "0")
      case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte &- UInt8(ascii: "a") &+ 10
      case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = byte &- UInt8(ascii: "A") &+ 10
      default: return nil
      }
      unit = unit << 4 | UInt16(digit)
    }
    return unit
  }

  /// The text of a validated string without its quotes. Half a surrogate pair becomes U+FFFD.
  static func unescape(_ bytes: UnsafeBufferPointer<UInt8>) -> [UInt8] {
    var output: [UInt8] = []
    output.reserveCapacity(bytes.count)
    var index = 0
    while true {
      let backslash = firstBackslash(bytes, from: index)
      output.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[index..<backslash]))
      guard backslash + 1 < bytes.count else { return output }
      let escape = bytes[backslash + 1]
      index = backslash + 2
      switch escape {
      case UInt8(ascii: "b"): output.append(0x08)
      case UInt8(ascii: "f"): output.append(0x0C)
      case UInt8(ascii: "n"): output.append(0x0A)
      case UInt8(ascii: "r"): output.append(0x0D)
      case UInt8(ascii: "t"): output.append(0x09)
      case UInt8(ascii: "u"): append(scalar(bytes, &index), to: &output)
      default: output.append(escape)
      }
    }
  }

  /// The index of the next backslash, or the end.
  static func firstBackslash(_ bytes: UnsafeBufferPointer<UInt8>, from start: Int) -> Int {
    var index = start
    while index + 8 <= bytes.count {
      let mask = SWAR.equal(SWAR.load(bytes, index), UInt8(ascii: "\\"))
      if mask != 0 { return index + SWAR.first(mask) }
      index += 8
    }
    while index < bytes.count, bytes[index] != UInt8(ascii: "\\") { index += 1 }
    return index
  }

  /// The scalar whose digits begin at the index, which moves behind them.
  private static func scalar(_ bytes: UnsafeBufferPointer<UInt8>, _ index: inout Int) -> Unicode.Scalar {
    guard let unit = unit(bytes, index) else { return "\u{FFFD}" }
    index += 4
    if let scalar = Unicode.Scalar(unit) { return scalar }
    guard unit < 0xDC00, index + 6 <= bytes.count, bytes[index] == UInt8(ascii: "\\"),
      bytes[index + 1] == UInt8(ascii: "u"), let low = self.unit(bytes, index + 2), low & 0xFC00 == 0xDC00
    else { return "\u{FFFD}" }
    index += 6
    return Unicode.Scalar(0x10000 + (UInt32(unit & 0x3FF) << 10 | UInt32(low & 0x3FF))) ?? "\u{FFFD}"
  }

  private static func append(_ scalar: Unicode.Scalar, to output: inout [UInt8]) {
    output.append(contentsOf: String(scalar).utf8)
  }
}
