import CPostgres

/// What the server answered to one command.
@safe
final class PostgresResult {
  fileprivate let handle: OpaquePointer

  /// Takes the result over.
  init(_ handle: OpaquePointer) {
    unsafe self.handle = handle
  }

  deinit { unsafe PQclear(handle) }

  /// Nil unless it is an error.
  var failure: PostgresFailure? {
    switch unsafe PQresultStatus(handle) {
    case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_EMPTY_QUERY: return nil
    default:
      let state = unsafe PQresultErrorField(handle, CInt(UInt8(ascii: "C"))).map { unsafe String(cString: $0) }
      // The primary message only: detail and context may hold values.
      let text = unsafe PQresultErrorField(handle, CInt(UInt8(ascii: "M"))).map { unsafe String(cString: $0) }
      return PostgresFailure(
        state: state ?? "", message: text ?? rawMessage)
    }
  }

  private var rawMessage: String { unsafe String(cString: PQresultErrorMessage(handle)) }

  /// The command's first word, in capitals: what was really done.
  var command: String {
    let status = unsafe String(cString: PQcmdStatus(handle))
    return status.split(separator: " ").first.map(String.init) ?? ""
  }

  /// How many rows were changed or read.
  var changes: Int { Int(unsafe String(cString: PQcmdTuples(handle))) ?? 0 }

  var count: Int { Int(unsafe PQntuples(handle)) }

  func row(_ index: Int) -> PostgresRow { PostgresRow(result: self, index: CInt(clamping: index)) }

  /// A value in text form; nil for NULL, and where there is no such row.
  func text(_ row: Int, _ column: Int) -> String? {
    guard row < count, column < Int(unsafe PQnfields(handle)) else { return nil }
    return bytes(CInt(clamping: row), column).map { String(decoding: $0, as: UTF8.self) }
  }

  /// Nil for NULL.
  fileprivate func bytes(_ row: CInt, _ column: Int) -> [UInt8]? {
    let column = CInt(clamping: column)
    guard unsafe PQgetisnull(handle, row, column) == 0, let start = unsafe PQgetvalue(handle, row, column) else {
      return nil
    }
    let count = Int(unsafe PQgetlength(handle, row, column))
    return unsafe Array(UnsafeRawBufferPointer(start: start, count: count))
  }

  fileprivate func integer(_ row: CInt, _ column: Int) throws(PostgresFailure) -> Int64? {
    let column = CInt(clamping: column)
    guard unsafe PQgetisnull(handle, row, column) == 0, let start = unsafe PQgetvalue(handle, row, column) else {
      return nil
    }
    let raw = UnsafeRawPointer(start)
    switch unsafe PQgetlength(handle, row, column) {
    case 8: return unsafe Int64(bigEndian: raw.loadUnaligned(as: Int64.self))
    case 4: return unsafe Int64(Int32(bigEndian: raw.loadUnaligned(as: Int32.self)))
    case 2: return unsafe Int64(Int16(bigEndian: raw.loadUnaligned(as: Int16.self)))
    default: throw .damaged("column \(column) holds no whole number")
    }
  }
}

/// A row of a binary result. What has not the shape that is asked for is a failure.
struct PostgresRow {
  fileprivate let result: PostgresResult
  fileprivate let index: CInt

  fileprivate init(result: PostgresResult, index: CInt) {
    self.result = result
    self.index = index
  }

  func isNull(_ column: Int) -> Bool { result.bytes(index, column) == nil }

  func optionalInteger(_ column: Int) throws(PostgresFailure) -> Int64? { try result.integer(index, column) }

  func integer(_ column: Int) throws(PostgresFailure) -> Int64 { try value(try optionalInteger(column), column) }

  func bool(_ column: Int) throws(PostgresFailure) -> Bool {
    let bytes = try bytes(column)
    guard bytes.count == 1 else { throw .damaged("column \(column) holds no truth value") }
    return bytes[0] != 0
  }

  func optionalBytes(_ column: Int) throws(PostgresFailure) -> [UInt8]? { result.bytes(index, column) }

  func bytes(_ column: Int) throws(PostgresFailure) -> [UInt8] { try value(result.bytes(index, column), column) }

  func optionalText(_ column: Int) throws(PostgresFailure) -> String? {
    result.bytes(index, column).map { String(decoding: $0, as: UTF8.self) }
  }

  func text(_ column: Int) throws(PostgresFailure) -> String { try value(try optionalText(column), column) }

  private func value<Value>(_ value: Value?, _ column: Int) throws(PostgresFailure) -> Value {
    guard let value else { throw .damaged("column \(column) holds nothing") }
    return value
  }
}
