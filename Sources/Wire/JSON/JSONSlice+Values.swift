extension JSONSlice {
  /// The text of a string, unescaped.
  public var string: String? { kind == .string ? JSONScanner.text(document, range) : nil }

  public var bool: Bool? { kind == .bool ? document[range.lowerBound] == UInt8(ascii: "t") : nil }

  public var isNull: Bool { kind == .null }

  /// The nearest double of a number; `nil` beyond the largest finite one.
  public var double: Double? {
    guard kind == .number, let value = Double(String(decoding: raw, as: UTF8.self)), value.isFinite else { return nil }
    return value
  }

  /// The value of a number that is exactly an integer of 64 bits, however it is spelled: `1000`, `1e3`, `10.0e2`.
  public var int64: Int64? {
    guard kind == .number else { return nil }
    var number = raw
    let isNegative = number.first == UInt8(ascii: "-")
    if isNegative { number.removeFirst() }
    var magnitude: UInt64 = 0
    var scale = 0
    // Zeros are held back until another digit follows, so that `1.000` and `1000e-3` need no more than one digit.
    var zeros = 0
    var afterPoint = false
    while let byte = number.first {
      if byte | 0x20 == UInt8(ascii: "e") { break }
      number.removeFirst()
      guard byte != UInt8(ascii: ".") else {
        afterPoint = true
        continue
      }
      if afterPoint { scale -= 1 }
      if byte == UInt8(ascii: "0") {
        zeros += 1
        continue
      }
      guard let next = Self.shifted(magnitude, by: zeros + 1)?.addingReportingOverflow(UInt64(byte - 0x30)),
        !next.overflow
      else { return nil }
      magnitude = next.partialValue
      zeros = 0
    }
    if magnitude == 0 { return 0 }
    // An exponent that does not fit in an Int moves any number that is not zero out of range.
    guard let exponent = number.isEmpty ? 0 : Int(String(decoding: number.dropFirst(), as: UTF8.self)) else {
      return nil
    }
    let (power, overflow) = exponent.addingReportingOverflow(scale + zeros)
    guard !overflow, power >= 0, let absolute = Self.shifted(magnitude, by: power) else { return nil }
    return isNegative
      ? (absolute == Int64.min.magnitude ? .min : Int64(exactly: absolute).map { -$0 }) : Int64(exactly: absolute)
  }

  /// The value times a power of ten, `nil` if it does not fit.
  private static func shifted(_ value: UInt64, by power: Int) -> UInt64? {
    if value == 0 { return 0 }
    guard power < 20 else { return nil }
    var result = value
    for _ in 0..<power {
      let (product, overflow) = result.multipliedReportingOverflow(by: 10)
      if overflow { return nil }
      result = product
    }
    return result
  }
}
