/// Reads whole numbers with commas between them: a report reads millions.
struct SumReader {
  private let bytes: UnsafeBufferPointer<UInt8>
  private var index = 0
  private var isDamaged = false

  init(_ bytes: UnsafeBufferPointer<UInt8>) {
    self.bytes = bytes
  }

  /// Whether all that was asked for was there, and nothing else.
  var isRead: Bool { !isDamaged && index == bytes.count + 1 }

  /// The next number; 0 where there is none.
  mutating func next() -> Int128 {
    let isNegative = index < bytes.count && bytes[index] == UInt8(ascii: "-")
    if isNegative { index += 1 }
    let start = index
    var short: UInt64 = 0
    // 19 digits fit.
    while index < bytes.count, index - start < 19 {
      let digit = bytes[index] &- UInt8(ascii: "0")
      if digit > 9 { break }
      short = short &* 10 &+ UInt64(digit)
      index += 1
    }
    var value = Int128(short)
    while index < bytes.count {
      let digit = bytes[index] &- UInt8(ascii: "0")
      if digit > 9 { break }
      // 38 digits fit.
      if index - start == 38 {
        isDamaged = true
        return 0
      }
      value = value &* 10 &+ Int128(digit)
      index += 1
    }
    if index == start || index < bytes.count && bytes[index] != UInt8(ascii: ",") { isDamaged = true }
    // Beyond the comma, or beyond the end by one.
    index += 1
    return isNegative ? -value : value
  }
}
