/// Values of a statement in the server's binary form, one after the other in one buffer.
struct ParameterBuffer {
  /// Never empty: a value of no bytes needs an address all the same, or it would be NULL.
  private(set) var bytes: [UInt8] = [0]
  /// Where each value lies; nil for NULL.
  private(set) var ranges: [Range<Int>?] = []

  mutating func removeAll() {
    bytes.removeSubrange(1...)
    ranges.removeAll(keepingCapacity: true)
  }

  mutating func append(_ value: (some PostgresValue)?) {
    guard let value else { return ranges.append(nil) }
    let start = bytes.count
    value.encode(into: &bytes)
    ranges.append(start..<bytes.count)
  }

  /// An array with one dimension, its elements possibly NULL.
  mutating func append<Value: PostgresValue>(array: some Collection<Value?>) {
    let start = bytes.count
    bytes.append(bigEndian: Int32(array.isEmpty ? 0 : 1))
    bytes.append(bigEndian: Int32(array.contains { $0 == nil } ? 1 : 0))
    bytes.append(bigEndian: Value.typeID)
    if !array.isEmpty {
      bytes.append(bigEndian: Int32(clamping: array.count))
      bytes.append(bigEndian: Int32(1))
      for element in array {
        guard let element else {
          bytes.append(bigEndian: Int32(-1))
          continue
        }
        let place = bytes.count
        bytes.append(bigEndian: Int32(0))
        element.encode(into: &bytes)
        bytes.set(bigEndian: Int32(clamping: bytes.count - place - 4), at: place)
      }
    }
    ranges.append(start..<bytes.count)
  }
}

/// What a parameter can be.
protocol PostgresValue {
  /// The number of its type in every server (`pg_type`).
  static var typeID: Int32 { get }
  func encode(into bytes: inout [UInt8])
}

extension Int64: PostgresValue {
  static var typeID: Int32 { 20 }
  func encode(into bytes: inout [UInt8]) { bytes.append(bigEndian: self) }
}

extension Int32: PostgresValue {
  static var typeID: Int32 { 23 }
  func encode(into bytes: inout [UInt8]) { bytes.append(bigEndian: self) }
}

extension Int16: PostgresValue {
  static var typeID: Int32 { 21 }
  func encode(into bytes: inout [UInt8]) { bytes.append(bigEndian: self) }
}

extension Bool: PostgresValue {
  static var typeID: Int32 { 16 }
  func encode(into bytes: inout [UInt8]) { bytes.append(self ? 1 : 0) }
}

extension String: PostgresValue {
  static var typeID: Int32 { 25 }
  /// The server has no NUL in a text; what a publisher sends may have.
  func encode(into bytes: inout [UInt8]) {
    if utf8.contains(0) {
      for byte in utf8 where byte != 0 { bytes.append(byte) }
    } else {
      bytes.append(contentsOf: utf8)
    }
  }
}

extension [UInt8]: PostgresValue {
  static var typeID: Int32 { 17 }
  func encode(into bytes: inout [UInt8]) { bytes.append(contentsOf: self) }
}

extension [UInt8] {
  fileprivate mutating func append(bigEndian value: some FixedWidthInteger) {
    var rest = value.bitWidth
    while rest > 0 {
      rest -= 8
      append(UInt8(truncatingIfNeeded: value >> rest))
    }
  }

  fileprivate mutating func set(bigEndian value: Int32, at place: Int) {
    for index in 0..<4 { self[place + index] = UInt8(truncatingIfNeeded: value >> (24 - 8 * index)) }
  }
}
