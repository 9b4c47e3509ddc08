/// Appends texts and times to a log line.
enum LogText {
  /// The longest piece of a line, in bytes; what is longer is cut and says so.
  static let longestPiece = 8192

  /// Appends a text without control characters, line separators, quotes and backslashes, as JSON escapes them.
  static func append(_ text: String, to line: inout [UInt8], limit: Int = longestPiece) {
    var text = text
    text.withUTF8 { bytes in
      let end = boundary(bytes, limit)
      var copied = 0
      var position = 0
      while position < end {
        let length = escapedLength(bytes, position, end)
        if length == 0 {
          position += 1
          continue
        }
        line += bytes[copied..<position]
        escape(bytes, position, length, to: &line)
        position += length
        copied = position
      }
      line += bytes[copied..<end]
      if end < bytes.count { line += "... (\(bytes.count - end) bytes cut)".utf8 }
    }
  }

  /// The largest length up to the limit that cuts no character.
  private static func boundary(_ bytes: UnsafeBufferPointer<UInt8>, _ limit: Int) -> Int {
    if bytes.count <= limit { return bytes.count }
    var end = limit
    while end > 0 && bytes[end] & 0xC0 == 0x80 { end -= 1 }
    return end
  }

  /// How many bytes at the position form a character to escape; 0 where none does.
  private static func escapedLength(_ bytes: UnsafeBufferPointer<UInt8>, _ position: Int, _ end: Int) -> Int {
    switch bytes[position] {
    case 0..<0x20, 0x7F, UInt8(ascii: "\""), UInt8(ascii: "\\"):
      1
    case 0xC2 where position + 1 < end && bytes[position + 1] < 0xA0:
      2
    // U+2028 and U+2029 end a line for some readers.
    case 0xE2 where position + 2 < end && bytes[position + 1] == 0x80 && (0xA8...0xA9).contains(bytes[position + 2]):
      3
    default:
      0
    }
  }

  private static func escape(
    _ bytes: UnsafeBufferPointer<UInt8>, _ position: Int, _ length: Int, to line: inout [UInt8]
  ) {
    let code: UInt16 =
      switch length {
      case 1: UInt16(bytes[position])
      case 2: UInt16(bytes[position + 1])
      default: 0x2000 | UInt16(bytes[position + 2] & 0x3F)
      }
    switch code {
    case 0x0A: line += "\\n".utf8
    case 0x0D: line += "\\r".utf8
    case 0x09: line += "\\t".utf8
    case 0x22: line += "\\\"".utf8
    case 0x5C: line += "\\\\".utf8
    default:
      line += "\\u".utf8
      for shift in [12, 8, 4, 0] { line.append(Array("0123456789abcdef".utf8)[Int(code >> UInt16(shift)) & 0xF]) }
    }
  }

  /// Appends `2026-01-31T23:59:59.123Z`.
  static func append(_ time: WallTime, to line: inout [UInt8]) {
    let (year, month, day) = time.date
    digits(year, 4, &line)
    line.append(UInt8(ascii: "-"))
    digits(month, 2, &line)
    line.append(UInt8(ascii: "-"))
    digits(day, 2, &line)
    line.append(UInt8(ascii: "T"))
    appendClock(time, to: &line)
    line.append(UInt8(ascii: "Z"))
  }

  /// Appends `23:59:59.123`.
  static func appendClock(_ time: WallTime, to line: inout [UInt8]) {
    let second = time.secondOfDay
    digits(second / 3600, 2, &line)
    line.append(UInt8(ascii: ":"))
    digits(second / 60 % 60, 2, &line)
    line.append(UInt8(ascii: ":"))
    digits(second % 60, 2, &line)
    line.append(UInt8(ascii: "."))
    digits(time.milliseconds, 3, &line)
  }

  private static func digits(_ value: Int, _ width: Int, _ line: inout [UInt8]) {
    var scale = 1
    for _ in 1..<width { scale *= 10 }
    while scale > 0 {
      line.append(UInt8(ascii: "0") + UInt8(value / scale % 10))
      scale /= 10
    }
  }
}
