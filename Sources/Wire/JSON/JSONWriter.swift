/// Writes one JSON document on one line, commas placed by itself. That containers are closed and keys are followed by
/// values is up to the caller.
public struct JSONWriter: Sendable {
  public private(set) var bytes: [UInt8] = []
  private var needsComma = false

  public init(capacity: Int = 256) {
    bytes.reserveCapacity(capacity)
  }

  public mutating func beginObject() { open(UInt8(ascii: "{")) }
  public mutating func endObject() { close(UInt8(ascii: "}")) }
  public mutating func beginArray() { open(UInt8(ascii: "[")) }
  public mutating func endArray() { close(UInt8(ascii: "]")) }

  public mutating func key(_ name: String) {
    string(name)
    bytes.append(UInt8(ascii: ":"))
    needsComma = false
  }

  public mutating func string(_ text: String) {
    var text = text
    text.withUTF8 { quoted($0) }
  }

  /// Writes bytes as a string. What is not valid UTF-8 is repaired with U+FFFD.
  public mutating func string(utf8 text: some Collection<UInt8>) {
    let isWritten: Bool? = text.withContiguousStorageIfAvailable { buffer in
      guard UTF8Sequence.isValid(buffer) else { return false }
      quoted(buffer)
      return true
    }
    if isWritten != true { string(String(decoding: text, as: UTF8.self)) }
  }

  public mutating func int(_ value: some BinaryInteger) { raw(String(value).utf8) }
  public mutating func bool(_ value: Bool) { raw((value ? "true" : "false").utf8) }
  public mutating func null() { raw("null".utf8) }

  /// Writes a value that is already JSON, byte for byte.
  public mutating func raw(_ value: some Collection<UInt8>) {
    separate()
    bytes.append(contentsOf: value)
  }

  private mutating func separate() {
    if needsComma { bytes.append(UInt8(ascii: ",")) }
    needsComma = true
  }

  private mutating func open(_ bracket: UInt8) {
    separate()
    bytes.append(bracket)
    needsComma = false
  }

  private mutating func close(_ bracket: UInt8) {
    bytes.append(bracket)
    needsComma = true
  }

  private mutating func quoted(_ text: UnsafeBufferPointer<UInt8>) {
    separate()
    bytes.append(UInt8(ascii: "\""))
    var copied = 0
    var index = 0
    while index < text.count {
      if index + 8 <= text.count {
        let word = SWAR.load(text, index)
        let mask =
          SWAR.below(word, 0x20) | SWAR.equal(word, UInt8(ascii: "\"")) | SWAR.equal(word, UInt8(ascii: "\\"))
          | SWAR.equal(word, 0xE2)
        guard mask != 0 else {
          index += 8
          continue
        }
        index += SWAR.first(mask)
      }
      let length = escapedLength(text, index)
      if length > 0 {
        append(text, copied..<index)
        escape(text, index)
        copied = index + length
      }
      index += max(1, length)
    }
    append(text, copied..<text.count)
    bytes.append(UInt8(ascii: "\""))
  }

  /// How many bytes at the index must be written as an escape; 0 for none.
  private func escapedLength(_ text: UnsafeBufferPointer<UInt8>, _ index: Int) -> Int {
    switch text[index] {
    case 0..<0x20, UInt8(ascii: "\""), UInt8(ascii: "\\"): 1
    case 0xE2 where index + 2 < text.count && text[index + 1] == 0x80 && text[index + 2] & 0xFE == 0xA8: 3
    default: 0
    }
  }

  private mutating func escape(_ text: UnsafeBufferPointer<UInt8>, _ index: Int) {
    let byte = text[index]
    bytes.append(UInt8(ascii: "\\"))
    switch byte {
    case 0xE2: hexadecimal(text[index + 2] == 0xA8 ? 0x2028 : 0x2029)
    case 0x0A: bytes.append(UInt8(ascii: "n"))
    case 0x0D: bytes.append(UInt8(ascii: "r"))
    case 0x09: bytes.append(UInt8(ascii: "t"))
    case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes.append(byte)
    default: hexadecimal(UInt16(byte))
    }
  }

  private mutating func hexadecimal(_ unit: UInt16) {
    bytes.append(UInt8(ascii: "u"))
    for shift in [12, 8, 4, 0] {
      let digit = UInt8(unit >> UInt16(shift) & 0xF)
      bytes.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
    }
  }

  /// Rebased, since appending a slice goes byte by byte.
  private mutating func append(_ text: UnsafeBufferPointer<UInt8>, _ range: Range<Int>) {
    bytes.append(contentsOf: UnsafeBufferPointer(rebasing: text[range]))
  }
}
