/// Reads the limit out of a provider's message, as in `Limit: 90,000 enqueued tokens`.
public enum NamedLimit {
  private static let words: [[UInt8]] = ["limit", "maximum", "at most"].map { Array($0.utf8) }

  /// The first number that follows such a word, thousands separated or not; nil if there is none.
  public static func parse(_ message: String) -> Int64? {
    let text = Array(message.utf8.prefix(4096)).map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 }
    for start in text.indices {
      for word in words where text[start...].starts(with: word) {
        if let number = number(text[(start + word.count)...]) { return number }
      }
    }
    return nil
  }

  /// A number after nothing but punctuation and `of` or `is`.
  private static func number(_ text: ArraySlice<UInt8>) -> Int64? {
    var rest = text.drop { $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: "=") || $0 == UInt8(ascii: " ") }
    for word in ["of ", "is "] where rest.starts(with: word.utf8) { rest = rest.dropFirst(word.utf8.count) }
    guard let first = rest.first, isDigit(first) else { return nil }
    var value: Int64 = 0
    while let byte = rest.first {
      if isDigit(byte) {
        let (tens, overflow) = value.multipliedReportingOverflow(by: 10)
        let (sum, carried) = tens.addingReportingOverflow(Int64(byte - UInt8(ascii: "0")))
        if overflow || carried { return nil }
        value = sum
      } else if !isSeparator(rest) {
        break
      }
      rest = rest.dropFirst()
    }
    return value
  }

  /// Between thousands: followed by three digits and no fourth.
  private static func isSeparator(_ text: ArraySlice<UInt8>) -> Bool {
    guard let first = text.first, ",._'".utf8.contains(first) else { return false }
    let after = text.dropFirst().prefix(4)
    return after.prefix(3).count == 3 && after.prefix(3).allSatisfy(isDigit)
      && !after.dropFirst(3).contains(where: isDigit)
  }

  private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
}
