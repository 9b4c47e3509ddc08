import GRDB
import GRDBSQLite
import Ledger
import LedgerRules

/// What SQLite said when a statement failed.
struct SQLiteFailure: Error {
  /// The extended result code.
  var code: CInt
  var message: String

}

/// Names the store in every error.
struct ErrorMapping {
  var path: String

  func callAsFunction(_ error: any Error) -> LedgerError {
    switch error {
    case let error as LedgerError: error
    case let error as SQLiteFailure: map(code: error.code, message: error.message)
    case let error as DatabaseError:
      map(code: error.extendedResultCode.rawValue, message: error.message ?? "error \(error.resultCode.rawValue)")
    case let error as DamagedTables:
      map(code: SQLITE_CORRUPT, message: "a row holds no valid value for \(error.what)")
    case let error as InvalidOperation: LedgerError(.invalid, "ledger \(path): \(error.message)")
    default: LedgerError(.invalid, "ledger \(path): \(error)")
    }
  }

  var closed: LedgerError { LedgerError(.closed, "ledger \(path) was closed") }

  private func map(code: CInt, message: String) -> LedgerError {
    // SQLite's messages are one line and name tables and columns, never values.
    let (reason, text): (LedgerError.Reason, String) =
      switch code & 0xFF {
      case SQLITE_BUSY, SQLITE_LOCKED:
        (.unavailable, "is locked by another program (\(message)); end backups or shells that write to it")
      case SQLITE_FULL: (.unavailable, "cannot grow (\(message)); free space on its disk")
      case SQLITE_READONLY: (.unavailable, "is read-only (\(message)); check its permissions and its mount")
      case SQLITE_IOERR: (.unavailable, "cannot be read or written (\(message)); check its disk")
      case SQLITE_CANTOPEN, SQLITE_PERM, SQLITE_AUTH:
        (.unavailable, "cannot be opened (\(message)); check the folder and the permissions of the service's user")
      case SQLITE_NOMEM: (.unavailable, "ran out of memory (\(message))")
      case SQLITE_INTERRUPT: (.unavailable, "was interrupted (\(message))")
      case SQLITE_CORRUPT: (.unusable, "is damaged (\(message)); restore a backup")
      case SQLITE_NOTADB: (.unusable, "is no SQLite database (\(message)); name another file in ledger.url")
      // No row is at fault where the statement itself does not fit the tables.
      case SQLITE_ERROR, SQLITE_SCHEMA:
        (.unusable, "does not know a statement (\(message)); restore what was altered, or a backup")
      default: (.invalid, "refused a statement (\(message))")
      }
    return LedgerError(reason, "ledger \(path) \(text)")
  }
}
