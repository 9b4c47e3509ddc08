import CPostgres

/// What a statement gave: rows, or how many rows it changed.
///
/// Columns are counted from 0. Belongs to the thread of its connection.
@safe
final class PostgresResult {
  private let handle: OpaquePointer
  /// How many rows it has.
  let count: Int

  init(_ handle: OpaquePointer) {
    unsafe self.handle = handle
    count = Int(unsafe PQntuples(handle))
  }

  deinit { unsafe PQclear(handle) }

  /// How many rows an INSERT, UPDATE or DELETE changed, or a SELECT gave.
  var changes: Int { Int(unsafe String(cString: PQcmdTuples(handle))) ?? 0 }

  subscript(row: Int) -> PostgresRow { PostgresRow(result: self, index: CInt(clamping: row)) }

  /// The first value, as a text; nil for NULL, and where there is none.
  var text: String? { count > 0 ? try? self[0].optionalText(0) : nil }

  /// What went wrong, where something did.
  var problem: PostgresFailure? {
    switch unsafe PQresultStatus(handle) {
    case PGRES_FATAL_ERROR, PGRES_NONFATAL_ERROR, PGRES_BAD_RESPONSE, PGRES_PIPELINE_ABORTED: break
    default: return nil
    }
    guard let state = field(MILLRACE_DIAG_SQLSTATE), !state.isEmpty else {
      let text = OneLine.of(unsafe String(cString: PQresultErrorMessage(handle)))
      return PostgresFailure(.connectionLost, text.isEmpty ? "the connection broke" : text)
    }
    return PostgresFailure(state: state, message: field(MILLRACE_DIAG_MESSAGE) ?? "")
  }

  var isCopy: Bool {
    switch unsafe PQresultStatus(handle) {
    case PGRES_COPY_IN, PGRES_COPY_OUT, PGRES_COPY_BOTH: true
    default: false
    }
  }

  private func field(_ code: Int) -> String? {
    unsafe PQresultErrorField(handle, CInt(code)).map { unsafe String(cString: $0) }
  }

  func isNull(_ row: CInt, _ column: CInt) -> Bool { unsafe PQgetisnull(handle, row, column) != 0 }

  func isText(_ column: CInt) -> Bool { unsafe PQfformat(handle, column) == 0 }

  func length(_ row: CInt, _ column: CInt) -> Int { Int(unsafe PQgetlength(handle, row, column)) }

  /// The value as it came. Empty for NULL and for what is not there; `body` must not let the buffer escape.
  func withBytes<Value, Failure: Error>(
    _ row: CInt, _ column: CInt, _ body: (UnsafeRawBufferPointer) throws(Failure) -> Value
  ) throws(Failure) -> Value {
    guard !isNull(row, column), let start = unsafe PQgetvalue(handle, row, column) else {
      return try unsafe body(UnsafeRawBufferPointer(start: nil, count: 0))
    }
    return try unsafe body(UnsafeRawBufferPointer(start: start, count: max(0, length(row, column))))
  }
}
