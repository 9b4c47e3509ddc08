import Wire

/// Small spellings of bytes that the answers, the witness and the ids share.
enum Bytes {
  private static let hexDigits = Array("0123456789abcdef".utf8)
  private static let base62Digits = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".utf8)

  /// The 32 bytes of the hash.
  static func sha256(_ bytes: some Collection<UInt8>) -> [UInt8] { SHA256Digest.of(bytes).bytes }

  /// Two lower-case digits a byte.
  static func hex(_ bytes: some Sequence<UInt8>) -> [UInt8] {
    var text: [UInt8] = []
    for byte in bytes {
      text.append(hexDigits[Int(byte >> 4)])
      text.append(hexDigits[Int(byte & 15)])
    }
    return text
  }

  /// Eight bytes as one number, big-endian.
  static func word(_ bytes: some Sequence<UInt8>) -> UInt64 {
    bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
  }

  /// 24 letters and digits that stand for two words, as ids of the provider look.
  static func base62(_ high: UInt64, _ low: UInt64) -> String {
    var digits: [UInt8] = []
    for word in [high, low] {
      var rest = word
      for _ in 0..<12 {
        digits.append(base62Digits[Int(rest % 62)])
        rest /= 62
      }
    }
    return String(decoding: digits, as: UTF8.self)
  }

  /// The longest prefix of a UTF-8 text that has at most so many bytes and cuts no character.
  static func prefix(_ text: some RandomAccessCollection<UInt8>, maximum: Int) -> [UInt8] {
    guard text.count > maximum else { return Array(text) }
    var cut = Array(text.prefix(maximum + 1))
    while let last = cut.popLast(), last & 0xC0 == 0x80 {}
    return cut
  }
}
