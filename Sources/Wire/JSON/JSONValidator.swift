/// Checks a whole document in one pass, without recursion, so that depth costs a bit and not a stack frame.
struct JSONValidator {
  private let bytes: UnsafeBufferPointer<UInt8>
  private let maximumDepth: Int
  private let acceptsLoneSurrogates: Bool
  private var offset = 0
  private var depth = 0
  /// One bit for each open container, innermost lowest: 1 is an object. Full words move to `outerBits`.
  private var bits: UInt64 = 0
  private var outerBits: [UInt64] = []
  private(set) var traits: JSONTraits = []

  init(_ bytes: UnsafeBufferPointer<UInt8>, maximumDepth: Int, acceptsLoneSurrogates: Bool) {
    self.bytes = bytes
    self.maximumDepth = maximumDepth
    self.acceptsLoneSurrogates = acceptsLoneSurrogates
  }

  /// Returns the range of the document's one value. The traits do not count the whitespace around it.
  mutating func validate() throws(JSONError) -> Range<Int> {
    if bytes.count >= 3, bytes[0] == 0xEF, bytes[1] == 0xBB, bytes[2] == 0xBF { offset = 3 }
    skipWhitespace()
    let start = offset
    traits = []
    repeat {
      try openValue()
      try closeContainers()
    } while depth > 0
    let (end, inner) = (offset, traits)
    skipWhitespace()
    traits = inner
    if offset < bytes.count { throw fail(.trailingBytes) }
    return start..<end
  }

  /// Reads one value that is no container, or opens containers up to the first such value or up to an empty container.
  private mutating func openValue() throws(JSONError) {
    while true {
      guard offset < bytes.count else { throw fail(.unexpectedEnd) }
      switch bytes[offset] {
      case UInt8(ascii: "\""):
        return try string()
      case UInt8(ascii: "{"):
        try push(isObject: true)
        if try peek() == UInt8(ascii: "}") { return }
        try key()
      case UInt8(ascii: "["):
        try push(isObject: false)
        if try peek() == UInt8(ascii: "]") { return }
      case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
        return try number()
      case UInt8(ascii: "t"):
        return try literal("true")
      case UInt8(ascii: "f"):
        return try literal("false")
      case UInt8(ascii: "n"):
        return try literal("null")
      case let byte:
        throw fail(.unexpectedByte(byte))
      }
    }
  }

  /// After a value: closes what ends here and stops before the next value.
  private mutating func closeContainers() throws(JSONError) {
    while depth > 0 {
      let isObject = bits & 1 == 1
      let byte = try peek()
      if byte == UInt8(ascii: ",") {
        offset += 1
        if isObject {
          _ = try peek()
          try key()
        } else if try peek() == UInt8(ascii: "]") {
          throw fail(.unexpectedByte(UInt8(ascii: "]")))
        }
        return
      }
      guard byte == (isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) else { throw fail(.unexpectedByte(byte)) }
      offset += 1
      pop()
    }
  }

  private mutating func key() throws(JSONError) {
    guard bytes[offset] == UInt8(ascii: "\"") else { throw fail(.unexpectedByte(bytes[offset])) }
    try string()
    let byte = try peek()
    guard byte == UInt8(ascii: ":") else { throw fail(.unexpectedByte(byte)) }
    offset += 1
    skipWhitespace()
  }

  private mutating func push(isObject: Bool) throws(JSONError) {
    guard depth < maximumDepth else { throw fail(.tooDeep(limit: maximumDepth)) }
    if depth > 0 && depth & 63 == 0 {
      outerBits.append(bits)
      bits = 0
    }
    bits = bits << 1 | (isObject ? 1 : 0)
    depth += 1
    offset += 1
  }

  private mutating func pop() {
    depth -= 1
    bits >>= 1
    if depth > 0 && depth & 63 == 0 { bits = outerBits.removeLast() }
  }

  /// The next byte that is not whitespace.
  private mutating func peek() throws(JSONError) -> UInt8 {
    skipWhitespace()
    guard offset < bytes.count else { throw fail(.unexpectedEnd) }
    return bytes[offset]
  }

  private mutating func skipWhitespace() {
    while offset < bytes.count {
      switch bytes[offset] {
      case 0x20, 0x09: offset += 1
      case 0x0A, 0x0D:
        traits.insert(.lineBreaks)
        offset += 1
      default: return
      }
    }
  }

  private mutating func literal(_ text: StaticString) throws(JSONError) {
    for index in 0..<text.utf8CodeUnitCount {
      guard offset < bytes.count else { throw fail(.unexpectedEnd) }
      guard bytes[offset] == text.utf8Start[index] else { throw fail(.unexpectedByte(bytes[offset])) }
      offset += 1
    }
  }

  private mutating func number() throws(JSONError) {
    if bytes[offset] == UInt8(ascii: "-") { offset += 1 }
    if offset < bytes.count, bytes[offset] == UInt8(ascii: "0") {
      offset += 1
      if offset < bytes.count, Self.isDigit(bytes[offset]) { throw fail(.invalidNumber) }
    } else {
      try digits()
    }
    if offset < bytes.count, bytes[offset] == UInt8(ascii: ".") {
      offset += 1
      try digits()
    }
    if offset < bytes.count, bytes[offset] | 0x20 == UInt8(ascii: "e") {
      offset += 1
      if offset < bytes.count, bytes[offset] == UInt8(ascii: "+") || bytes[offset] == UInt8(ascii: "-") { offset += 1 }
      try digits()
    }
  }

  private mutating func digits() throws(JSONError) {
    let start = offset
    while offset < bytes.count, Self.isDigit(bytes[offset]) { offset += 1 }
    if offset == start { throw fail(offset < bytes.count ? .invalidNumber : .unexpectedEnd) }
  }

  private mutating func string() throws(JSONError) {
    offset += 1
    while offset < bytes.count {
      if offset + 8 <= bytes.count {
        let word = SWAR.load(bytes, offset)
        let mask =
          SWAR.below(word, 0x20) | SWAR.equal(word, UInt8(ascii: "\"")) | SWAR.equal(word, UInt8(ascii: "\\"))
          | (word & SWAR.highs)
        guard mask != 0 else {
          offset += 8
          continue
        }
        offset += SWAR.first(mask)
      }
      let byte = bytes[offset]
      if byte == UInt8(ascii: "\"") {
        offset += 1
        return
      }
      if byte == UInt8(ascii: "\\") {
        try escape()
      } else if byte >= 0x80 {
        try nonASCII()
      } else if byte < 0x20 {
        throw fail(.controlCharacter(byte))
      } else {
        offset += 1
      }
    }
    throw fail(.unexpectedEnd)
  }

  /// Runs of text outside ASCII are common, so they are read without going back to words.
  private mutating func nonASCII() throws(JSONError) {
    while offset < bytes.count, bytes[offset] >= 0x80 {
      let length = UTF8Sequence.length(bytes, offset)
      if length == 0 { throw fail(.invalidUTF8) }
      if bytes[offset] == 0xE2, bytes[offset + 1] == 0x80, bytes[offset + 2] & 0xFE == 0xA8 {
        traits.insert(.lineSeparators)
      }
      offset += length
    }
  }

  private mutating func escape() throws(JSONError) {
    guard offset + 1 < bytes.count else { throw JSONError(offset: bytes.count, reason: .unexpectedEnd) }
    switch bytes[offset + 1] {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
      UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
      offset += 2
    case UInt8(ascii: "u"):
      let unit = try unit(at: offset)
      guard !acceptsLoneSurrogates, unit & 0xF800 == 0xD800 else {
        offset += 6
        return
      }
      guard unit < 0xDC00, offset + 7 < bytes.count, bytes[offset + 6] == UInt8(ascii: "\\"),
        bytes[offset + 7] == UInt8(ascii: "u"), try self.unit(at: offset + 6) & 0xFC00 == 0xDC00
      else { throw fail(.loneSurrogate) }
      offset += 12
    default:
      throw fail(.invalidEscape)
    }
  }

  /// The code unit of the `\uXXXX` at the index.
  private func unit(at index: Int) throws(JSONError) -> UInt16 {
    guard index + 6 <= bytes.count else { throw JSONError(offset: bytes.count, reason: .unexpectedEnd) }
    guard let unit = JSONEscape.unit(bytes, index + 2) else { throw JSONError(offset: index, reason: .invalidEscape) }
    return unit
  }

  @inline(__always)
  private static func isDigit(_ byte: UInt8) -> Bool { byte &- UInt8(ascii: "0") < 10 }

  private func fail(_ reason: JSONError.Reason) -> JSONError { JSONError(offset: offset, reason: reason) }
}
