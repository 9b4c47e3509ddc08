import BatchCore
import Wire

/// A value that can be a parameter of a statement, or an element of an array that is one.
protocol PostgresValue {
  static var type: PostgresType { get }

  /// Appends the value's binary form, without its length.
  func appendBinary(to bytes: inout [UInt8])
}

extension [UInt8] {
  mutating func append(bigEndian value: some FixedWidthInteger) {
    unsafe Swift.withUnsafeBytes(of: value.bigEndian) { unsafe append(contentsOf: $0) }
  }
}

extension Int64: PostgresValue {
  static var type: PostgresType { .int8 }
  func appendBinary(to bytes: inout [UInt8]) { bytes.append(bigEndian: self) }
}

extension Int: PostgresValue {
  static var type: PostgresType { .int8 }
  func appendBinary(to bytes: inout [UInt8]) { bytes.append(bigEndian: Int64(self)) }
}

extension Int32: PostgresValue {
  static var type: PostgresType { .int4 }
  func appendBinary(to bytes: inout [UInt8]) { bytes.append(bigEndian: self) }
}

extension Int16: PostgresValue {
  static var type: PostgresType { .int2 }
  func appendBinary(to bytes: inout [UInt8]) { bytes.append(bigEndian: self) }
}

extension Bool: PostgresValue {
  static var type: PostgresType { .bool }
  func appendBinary(to bytes: inout [UInt8]) { bytes.append(self ? 1 : 0) }
}

/// As `text`, which cannot hold U+0000: the server refuses it. See `UTF8Bytes`.
extension String: PostgresValue {
  static var type: PostgresType { .text }
  func appendBinary(to bytes: inout [UInt8]) { bytes.append(contentsOf: utf8) }
}

/// A text that is kept as `bytea`, so that it may hold U+0000, which `text` cannot.
struct UTF8Bytes: PostgresValue {
  var text: String

  init(_ text: String) {
    self.text = text
  }

  static var type: PostgresType { .bytea }
  func appendBinary(to bytes: inout [UInt8]) { bytes.append(contentsOf: text.utf8) }
}

extension Array<UInt8>: PostgresValue {
  static var type: PostgresType { .bytea }
  func appendBinary(to bytes: inout [UInt8]) { bytes.append(contentsOf: self) }
}

extension ArraySlice<UInt8>: PostgresValue {
  static var type: PostgresType { .bytea }
  func appendBinary(to bytes: inout [UInt8]) { bytes.append(contentsOf: self) }
}

/// Milliseconds since 1970, as `int8`.
extension Timestamp: PostgresValue {
  static var type: PostgresType { .int8 }
  func appendBinary(to bytes: inout [UInt8]) { bytes.append(bigEndian: milliseconds) }
}

extension SHA256Digest: PostgresValue {
  static var type: PostgresType { .bytea }
  func appendBinary(to bytes: inout [UInt8]) { unsafe withUnsafeBytes { unsafe bytes.append(contentsOf: $0) } }
}

extension LedgerID: PostgresValue {
  static var type: PostgresType { .bytea }
  func appendBinary(to bytes: inout [UInt8]) { bytes.append(contentsOf: self.bytes) }
}

/// Codes of one byte, as `int2`: an enumeration needs only to say that it is a `PostgresValue`.
extension PostgresValue where Self: RawRepresentable<UInt8> {
  static var type: PostgresType { .int2 }
  func appendBinary(to bytes: inout [UInt8]) { bytes.append(bigEndian: Int16(rawValue)) }
}
