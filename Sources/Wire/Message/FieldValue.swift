/// A value in an AMQP 0-9-1 header table, with the exact wire type kept, so that what is read can be written again.
public indirect enum FieldValue: Hashable, Sendable {
  case bool(Bool)
  case int8(Int8)
  case uint8(UInt8)
  case int16(Int16)
  case uint16(UInt16)
  case int32(Int32)
  case uint32(UInt32)
  case int64(Int64)
  case uint64(UInt64)
  case float(Float)
  case double(Double)
  /// `value` times ten to the power of minus `scale`.
  case decimal(scale: UInt8, value: UInt32)
  /// Bytes that should be UTF-8; the broker does not check, so they are kept as bytes.
  case string([UInt8])
  case bytes([UInt8])
  case array([FieldValue])
  /// Seconds since 1970.
  case timestamp(UInt64)
  case table(FieldTable)
  case void
}

extension FieldValue {
  public static func string(_ text: String) -> FieldValue { .string(Array(text.utf8)) }

  /// The text of a string or byte field, if it is valid UTF-8.
  public var text: String? {
    switch self {
    case .string(let bytes), .bytes(let bytes): String(validating: bytes, as: UTF8.self)
    default: nil
    }
  }

  /// The value of any integer field that fits.
  public var integer: Int64? {
    switch self {
    case .int8(let value): Int64(value)
    case .uint8(let value): Int64(value)
    case .int16(let value): Int64(value)
    case .uint16(let value): Int64(value)
    case .int32(let value): Int64(value)
    case .uint32(let value): Int64(value)
    case .int64(let value): value
    case .uint64(let value): Int64(exactly: value)
    default: nil
    }
  }
}
