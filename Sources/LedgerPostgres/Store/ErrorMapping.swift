import Ledger
import LedgerRules

/// Names the store in every error.
struct ErrorMapping: Sendable {
  /// The URL without password and query.
  var name: String

  func callAsFunction(_ error: any Error) -> LedgerError {
    switch error {
    case let error as LedgerError: error
    case let error as PostgresFailure: map(error)
    case is Fenced: fenced
    case let error as DamagedTables: map(.damaged(error.what))
    case let error as InvalidOperation: LedgerError(.invalid, "ledger \(name): \(error.message)")
    default: LedgerError(.invalid, "ledger \(name): \(error)")
    }
  }

  var closed: LedgerError { LedgerError(.closed, "ledger \(name) was closed") }

  var fenced: LedgerError {
    LedgerError(
      .fenced, "ledger \(name): this replica was silent for longer than ledger.lease, and another took its work over")
  }

  private func map(_ failure: PostgresFailure) -> LedgerError {
    let said = failure.state.isEmpty ? failure.message : "\(failure.message), SQLSTATE \(failure.state)"
    let (reason, text): (LedgerError.Reason, String) =
      switch failure.kind {
      case .connectionLost: (.unavailable, "cannot be reached (\(said)); check the server and the network")
      case .conflict: (.unavailable, "is contended (\(said)); trying again may succeed")
      case .lockTimeout: (.unavailable, "is locked by another session (\(said)); end what holds its tables")
      case .cancelled: (.unavailable, "stopped a statement (\(said)); check the server's load and pg_stat_activity")
      case .readOnly: (.unavailable, "is read-only (\(said)); name the primary server in ledger.url")
      case .diskFull: (.unavailable, "cannot grow (\(said)); free space on the server's disk")
      case .tooManyConnections: (.unavailable, "takes no more connections (\(said)); raise max_connections")
      case .outOfResources: (.unavailable, "reached a limit of the server (\(said)); check its memory and limits")
      case .inputOutput: (.unavailable, "cannot be read or written (\(said)); check the server's disk")
      case .authentication: (.unavailable, "lets nobody in (\(said)); check user, password and pg_hba.conf")
      case .permission: (.unavailable, "denies it to this user (\(said)); grant what is missing")
      case .tls: (.unavailable, "has no TLS that is trusted (\(said)); check sslmode, sslrootcert and the certificate")
      case .missingDatabase: (.unusable, "has no such database (\(said)); create it, or name another in ledger.url")
      case .missingTable: (.unusable, "lacks a table (\(said)); run millrace ledger migrate")
      case .unsuitable: (.unusable, "cannot hold a ledger (\(said)); name another database in ledger.url")
      case .configuration: (.unusable, "cannot be used as it stands in ledger.url (\(said))")
      case .damaged: (.unusable, "is damaged (\(said)); restore a backup")
      // No row is at fault where the statement itself does not fit the tables.
      case .other where failure.state.hasPrefix("42") || failure.state.hasPrefix("0A"):
        (.unusable, "does not know a statement (\(said)); run millrace ledger migrate, or restore what was altered")
      case .uniqueViolation, .constraintViolation, .other:
        (.invalid, "refused a statement (\(said)); please report it")
      }
    return LedgerError(reason, "ledger \(name) \(text)")
  }
}
