import BatchCore
import GRDBSQLite
import LedgerRules
import Wire

/// A prepared statement that is used again and again, bound and read directly: GRDB's argument arrays and rows cost more
/// than the statements themselves.
///
/// Parameters are bound in order after `start()`. It belongs to the queue of its connection.
final class Statement {
  private let handle: OpaquePointer
  private let connection: OpaquePointer
  private var parameter: CInt = 0

  init(_ connection: OpaquePointer, _ sql: String) throws(SQLiteFailure) {
    var handle: OpaquePointer?
    let code = sqlite3_prepare_v3(connection, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &handle, nil)
    guard code == SQLITE_OK, let handle else { throw .current(of: connection) }
    self.handle = handle
    self.connection = connection
  }

  deinit { sqlite3_finalize(handle) }

  // MARK: Parameters

  /// Forgets where the last use ended; every parameter is bound anew.
  @discardableResult
  func start() -> Statement {
    sqlite3_reset(handle)
    parameter = 0
    return self
  }

  func bind(_ value: Int64) {
    parameter += 1
    sqlite3_bind_int64(handle, parameter, value)
  }

  func bind(_ value: Int) { bind(Int64(value)) }

  func bind(_ value: Bool) { bind(Int64(value ? 1 : 0)) }

  func bind(_ value: Int64?) {
    if let value { bind(value) } else { bindNull() }
  }

  func bind(_ value: some RawRepresentable<UInt8>) { bind(Int64(value.rawValue)) }

  func bind(_ value: Timestamp) { bind(value.milliseconds) }

  func bind(_ value: Timestamp?) { bind(value?.milliseconds) }

  func bindNull() {
    parameter += 1
    sqlite3_bind_null(handle, parameter)
  }

  func bind(_ text: String) {
    parameter += 1
    var text = text
    text.withUTF8 { utf8 in
      // An empty buffer may have no address, which would bind NULL.
      let start = UnsafeRawPointer(utf8.baseAddress)?.assumingMemoryBound(to: CChar.self)
      if let start { sqlite3_bind_text(handle, parameter, start, CInt(clamping: utf8.count), Self.copied) }
      if start == nil { sqlite3_bind_text(handle, parameter, "", 0, Self.copied) }
    }
  }

  func bind(_ text: String?) {
    if let text { bind(text) } else { bindNull() }
  }

  func bind(_ bytes: [UInt8]) { bytes.withUnsafeBytes { bind(raw: $0, Self.copied) } }

  func bind(_ bytes: [UInt8]?) {
    if let bytes { bind(bytes) } else { bindNull() }
  }

  func bind(_ digest: SHA256Digest) { digest.withUnsafeBytes { bind(raw: $0, Self.copied) } }

  func bind(_ key: CallKey) { key.withUnsafeBytes { bind(raw: $0, Self.copied) } }

  /// Binds without copying; the bytes must stay where they are until the statement has run and was started again.
  func bind(borrowed bytes: UnsafeRawBufferPointer) { bind(raw: bytes, nil) }

  func bind(raw bytes: UnsafeRawBufferPointer, _ lifetime: sqlite3_destructor_type?) {
    parameter += 1
    if let start = bytes.baseAddress, !bytes.isEmpty {
      sqlite3_bind_blob64(handle, parameter, start, UInt64(bytes.count), lifetime)
    } else {
      sqlite3_bind_zeroblob(handle, parameter, 0)
    }
  }

  static let copied = unsafeBitCast(-1, to: sqlite3_destructor_type.self)

  // MARK: Running

  /// Runs a statement that gives no rows. Returns how many rows it changed.
  @discardableResult
  func run() throws(SQLiteFailure) -> Int {
    let code = sqlite3_step(handle)
    if code != SQLITE_DONE && code != SQLITE_ROW { throw fail() }
    let changes = Int(sqlite3_changes(connection))
    sqlite3_reset(handle)
    return changes
  }

  /// Calls the closure for each row until it returns false. The row is read from this statement.
  func forEach(_ body: (Statement) throws -> Bool) throws {
    defer { sqlite3_reset(handle) }
    while true {
      let code = sqlite3_step(handle)
      if code == SQLITE_DONE { return }
      guard code == SQLITE_ROW else { throw fail() }
      guard try body(self) else { return }
    }
  }

  func first<Value>(_ body: (Statement) throws -> Value) throws -> Value? {
    var value: Value?
    try forEach { row in
      value = try body(row)
      return false
    }
    return value
  }

  private func fail() -> SQLiteFailure {
    let failure = SQLiteFailure.current(of: connection)
    sqlite3_reset(handle)
    return failure
  }

  // MARK: Columns

  func isNull(_ column: CInt) -> Bool { sqlite3_column_type(handle, column) == SQLITE_NULL }

  func integer(_ column: CInt) -> Int64 { sqlite3_column_int64(handle, column) }

  func int(_ column: CInt) -> Int { Int(sqlite3_column_int64(handle, column)) }

  func optionalInteger(_ column: CInt) -> Int64? { isNull(column) ? nil : integer(column) }

  func timestamp(_ column: CInt) -> Timestamp { Timestamp(milliseconds: integer(column)) }

  func optionalTimestamp(_ column: CInt) -> Timestamp? {
    optionalInteger(column).map { Timestamp(milliseconds: $0) }
  }

  func text(_ column: CInt) -> String { String(decoding: view(column), as: UTF8.self) }

  func optionalText(_ column: CInt) -> String? { isNull(column) ? nil : text(column) }

  func bytes(_ column: CInt) -> [UInt8] { Array(view(column)) }

  func optionalBytes(_ column: CInt) -> [UInt8]? { isNull(column) ? nil : bytes(column) }

  func size(_ column: CInt) -> Int { Int(sqlite3_column_bytes(handle, column)) }

  /// Of 32 bytes. Anything else is damage.
  func digest(_ column: CInt) throws(SQLiteFailure) -> SHA256Digest {
    guard let digest = SHA256Digest(view(column)) else { throw .damaged("a hash") }
    return digest
  }

  func ledgerID(_ column: CInt) throws(SQLiteFailure) -> LedgerID {
    guard let id = LedgerID(bytes: view(column)) else { throw .damaged("a ledger id") }
    return id
  }

  /// A body with the place of its model name.
  func body(_ column: CInt, offset: CInt, length: CInt) throws(SQLiteFailure) -> RequestBody {
    let bytes = bytes(column)
    let (start, count) = (integer(offset), integer(length))
    guard start >= 0, count >= 0, start <= bytes.count, count <= Int64(bytes.count) - start else {
      throw .damaged("the place of a model's name")
    }
    return RequestBody(bytes: bytes, modelRange: Int(start)..<Int(start + count))
  }

  func value<Value: RawRepresentable<UInt8>>(
    _ column: CInt, _ type: Value.Type = Value.self
  ) throws(SQLiteFailure) -> Value {
    guard let value = UInt8(exactly: integer(column)).flatMap({ Value(rawValue: $0) }) else {
      throw .damaged("\(type)")
    }
    return value
  }

  /// Valid until the next step.
  private func view(_ column: CInt) -> UnsafeRawBufferPointer {
    // The address first: asking for it may convert the value, and with it the size.
    let start = sqlite3_column_blob(handle, column)
    return UnsafeRawBufferPointer(start: start, count: start == nil ? 0 : Int(sqlite3_column_bytes(handle, column)))
  }
}

extension SQLiteFailure {
  static func current(of connection: OpaquePointer) -> SQLiteFailure {
    SQLiteFailure(
      code: sqlite3_extended_errcode(connection), message: String(cString: sqlite3_errmsg(connection)))
  }

  /// A value that this program never writes.
  static func damaged(_ what: String) -> SQLiteFailure {
    SQLiteFailure(code: SQLITE_CORRUPT, message: "a row holds no valid value for \(what)")
  }
}
