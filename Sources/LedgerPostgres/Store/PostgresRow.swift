import BatchCore
import Ledger
import Wire

/// One row of a result, read column by column, counted from 0.
///
/// A value that has not the form that is asked for, NULL included, is `damaged`.
struct PostgresRow {
  let result: PostgresResult
  let index: CInt

  func isNull(_ column: CInt) -> Bool { result.isNull(index, column) }

  /// An `int2`, `int4` or `int8`.
  func integer(_ column: CInt) throws(PostgresFailure) -> Int64 {
    let value: Int64? = unsafe result.withBytes(index, column) { bytes in
      // Commands that are sent as text are answered with text.
      if result.isText(column) { return unsafe Int64(String(decoding: bytes, as: UTF8.self)) }
      return switch bytes.count {
      case 2: unsafe Int64(Int16(bigEndian: bytes.loadUnaligned(as: Int16.self)))
      case 4: unsafe Int64(Int32(bigEndian: bytes.loadUnaligned(as: Int32.self)))
      case 8: unsafe Int64(bigEndian: bytes.loadUnaligned(as: Int64.self))
      default: nil
      }
    }
    guard let value else { throw .damaged("an integer") }
    return value
  }

  func int(_ column: CInt) throws(PostgresFailure) -> Int { Int(try integer(column)) }

  func optionalInteger(_ column: CInt) throws(PostgresFailure) -> Int64? {
    isNull(column) ? nil : try integer(column)
  }

  func bool(_ column: CInt) throws(PostgresFailure) -> Bool {
    let value: Bool? = unsafe result.withBytes(index, column) { bytes in
      guard bytes.count == 1, let byte = unsafe bytes.first else { return nil }
      return switch byte {
      case 0, UInt8(ascii: "f"): false
      case 1, UInt8(ascii: "t"): true
      default: nil
      }
    }
    guard let value else { throw .damaged("a truth value") }
    return value
  }

  func optionalBool(_ column: CInt) throws(PostgresFailure) -> Bool? { isNull(column) ? nil : try bool(column) }

  func timestamp(_ column: CInt) throws(PostgresFailure) -> Timestamp { Timestamp(milliseconds: try integer(column)) }

  func optionalTimestamp(_ column: CInt) throws(PostgresFailure) -> Timestamp? {
    try optionalInteger(column).map { Timestamp(milliseconds: $0) }
  }

  /// A `text`, or a `bytea` that holds one.
  func text(_ column: CInt) throws(PostgresFailure) -> String {
    guard let text = try optionalText(column) else { throw .damaged("a text") }
    return text
  }

  func optionalText(_ column: CInt) throws(PostgresFailure) -> String? {
    if isNull(column) { return nil }
    let text = unsafe result.withBytes(index, column) { bytes in unsafe String(validating: bytes, as: UTF8.self) }
    guard let text else { throw .damaged("a text") }
    return text
  }

  func bytes(_ column: CInt) throws(PostgresFailure) -> [UInt8] {
    guard let bytes = optionalBytes(column) else { throw .damaged("bytes") }
    return bytes
  }

  func optionalBytes(_ column: CInt) -> [UInt8]? {
    isNull(column) ? nil : unsafe result.withBytes(index, column) { bytes in unsafe Array(bytes) }
  }

  /// In bytes, 0 for NULL.
  func size(_ column: CInt) -> Int { result.length(index, column) }

  func digest(_ column: CInt) throws(PostgresFailure) -> SHA256Digest {
    let digest = unsafe result.withBytes(index, column) { bytes in unsafe SHA256Digest(bytes) }
    guard let digest else { throw .damaged("a hash") }
    return digest
  }

  func ledgerID(_ column: CInt) throws(PostgresFailure) -> LedgerID {
    let id = unsafe result.withBytes(index, column) { bytes in unsafe LedgerID(bytes: bytes) }
    guard let id else { throw .damaged("a ledger id") }
    return id
  }

  /// A body with the place of its model name.
  func body(_ column: CInt, offset: CInt, length: CInt) throws(PostgresFailure) -> RequestBody {
    let bytes = try bytes(column)
    let (start, count) = (try integer(offset), try integer(length))
    guard start >= 0, count >= 0, start <= bytes.count, count <= Int64(bytes.count) - start else {
      throw .damaged("the place of a model's name")
    }
    return RequestBody(bytes: bytes, modelRange: Int(start)..<Int(start + count))
  }

  /// A code that is kept as an integer.
  func value<Value: RawRepresentable<UInt8>>(
    _ column: CInt, _ type: Value.Type = Value.self
  ) throws(PostgresFailure) -> Value {
    guard let value = UInt8(exactly: try integer(column)).flatMap({ Value(rawValue: $0) }) else {
      throw .damaged("\(type)")
    }
    return value
  }
}
