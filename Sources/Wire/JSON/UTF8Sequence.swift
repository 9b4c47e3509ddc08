/// Strict UTF-8: no overlong forms, no surrogates, nothing above U+10FFFF.
enum UTF8Sequence {
  /// The length of the multi-byte sequence at the index, or 0 if it is not well formed.
  @inline(__always)
  static func length(_ bytes: UnsafeBufferPointer<UInt8>, _ index: Int) -> Int {
    let left = bytes.count - index
    let lead = bytes[index]
    if lead < 0xC2 { return 0 }
    if lead < 0xE0 {
      return left >= 2 && isContinuation(bytes[index + 1]) ? 2 : 0
    }
    if lead < 0xF0 {
      guard left >= 3 else { return 0 }
      let second = bytes[index + 1]
      guard isContinuation(second), isContinuation(bytes[index + 2]) else { return 0 }
      if lead == 0xE0 && second < 0xA0 { return 0 }
      if lead == 0xED && second > 0x9F { return 0 }
      return 3
    }
    guard lead < 0xF5, left >= 4 else { return 0 }
    let second = bytes[index + 1]
    guard isContinuation(second), isContinuation(bytes[index + 2]), isContinuation(bytes[index + 3]) else { return 0 }
    if lead == 0xF0 && second < 0x90 { return 0 }
    if lead == 0xF4 && second > 0x8F { return 0 }
    return 4
  }

  /// Whether all bytes are well formed.
  static func isValid(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
    var index = 0
    while index < bytes.count {
      if index + 8 <= bytes.count {
        let mask = SWAR.load(bytes, index) & SWAR.highs
        guard mask != 0 else {
          index += 8
          continue
        }
        index += SWAR.first(mask)
      }
      if bytes[index] < 0x80 {
        index += 1
        continue
      }
      let length = length(bytes, index)
      if length == 0 { return false }
      index += length
    }
    return true
  }

  static func isValid(_ bytes: some Collection<UInt8>) -> Bool {
    bytes.withContiguousStorageIfAvailable { isValid($0) } ?? Array(bytes).withUnsafeBufferPointer { isValid($0) }
  }

  /// The longest prefix of at most `limit` bytes that does not cut a character. The bytes are valid UTF-8.
  static func prefix(_ bytes: some RandomAccessCollection<UInt8>, _ limit: Int) -> Int {
    guard bytes.count > limit else { return bytes.count }
    var end = max(0, limit)
    while end > 0, isContinuation(bytes[bytes.index(bytes.startIndex, offsetBy: end)]) { end -= 1 }
    return end
  }

  @inline(__always)
  static func isContinuation(_ byte: UInt8) -> Bool { byte & 0xC0 == 0x80 }
}
