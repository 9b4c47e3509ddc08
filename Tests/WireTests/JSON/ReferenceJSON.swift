/// A recursive checker of the grammar, as plain as can be: what the fast one is compared with.
struct ReferenceJSON {
  private let text: [UInt8]
  private var index = 0
  private let maximumDepth: Int
  private let refusesLoneSurrogates: Bool

  static func accepts(_ bytes: [UInt8], maximumDepth: Int = 64, refusesLoneSurrogates: Bool = false) -> Bool {
    var body = bytes
    if body.starts(with: [0xEF, 0xBB, 0xBF]) { body.removeFirst(3) }
    guard String(validating: body, as: UTF8.self) != nil else { return false }
    var checker = ReferenceJSON(
      text: body, maximumDepth: maximumDepth, refusesLoneSurrogates: refusesLoneSurrogates)
    checker.space()
    guard checker.value(0) else { return false }
    checker.space()
    return checker.index == body.count
  }

  private init(text: [UInt8], maximumDepth: Int, refusesLoneSurrogates: Bool) {
    self.text = text
    self.maximumDepth = maximumDepth
    self.refusesLoneSurrogates = refusesLoneSurrogates
  }

  private var byte: UInt8? { index < text.count ? text[index] : nil }

  private mutating func take(_ character: Unicode.Scalar) -> Bool {
    guard byte == UInt8(ascii: character) else { return false }
    index += 1
    return true
  }

  private mutating func space() {
    while let byte, [0x20, 0x09, 0x0A, 0x0D].contains(byte) { index += 1 }
  }

  private mutating func value(_ depth: Int) -> Bool {
    switch byte {
    case UInt8(ascii: "{"): depth < maximumDepth && object(depth + 1)
    case UInt8(ascii: "["): depth < maximumDepth && array(depth + 1)
    case UInt8(ascii: "\""): string()
    case UInt8(ascii: "t"): word("true")
    case UInt8(ascii: "f"): word("false")
    case UInt8(ascii: "n"): word("null")
    default: number()
    }
  }

  private mutating func word(_ word: String) -> Bool {
    guard text[index...].starts(with: word.utf8) else { return false }
    index += word.utf8.count
    return true
  }

  private mutating func object(_ depth: Int) -> Bool {
    index += 1
    space()
    if take("}") { return true }
    while true {
      space()
      guard byte == UInt8(ascii: "\""), string() else { return false }
      space()
      guard take(":") else { return false }
      space()
      guard value(depth) else { return false }
      space()
      if take("}") { return true }
      guard take(",") else { return false }
    }
  }

  private mutating func array(_ depth: Int) -> Bool {
    index += 1
    space()
    if take("]") { return true }
    while true {
      space()
      guard value(depth) else { return false }
      space()
      if take("]") { return true }
      guard take(",") else { return false }
    }
  }

  private mutating func digits() -> Bool {
    let start = index
    while let byte, (0x30...0x39).contains(byte) { index += 1 }
    return index > start
  }

  private mutating func number() -> Bool {
    _ = take("-")
    if !take("0") && !digits() { return false }
    if take("."), !digits() { return false }
    if take("e") || take("E") {
      if !take("+") { _ = take("-") }
      if !digits() { return false }
    }
    return true
  }

  private mutating func string() -> Bool {
    index += 1
    while let byte {
      index += 1
      switch byte {
      case UInt8(ascii: "\""): return true
      case 0..<0x20: return false
      case UInt8(ascii: "\\"): if !escape() { return false }
      default: break
      }
    }
    return false
  }

  private mutating func escape() -> Bool {
    guard let kind = byte else { return false }
    index += 1
    guard kind == UInt8(ascii: "u") else { return "\"\\/bfnrt".utf8.contains(kind) }
    guard let unit = unit() else { return false }
    guard refusesLoneSurrogates, (0xD800...0xDFFF).contains(unit) else { return true }
    guard unit < 0xDC00, take("\\"), take("u"), let low = self.unit() else { return false }
    return (0xDC00...0xDFFF).contains(low)
  }

  private mutating func unit() -> UInt16? {
    guard index + 4 <= text.count else { return nil }
    let digits = text[index..<index + 4]
    guard digits.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }) else { return nil }
    index += 4
    return UInt16(String(decoding: digits, as: UTF8.self), radix: 16)
  }
}
