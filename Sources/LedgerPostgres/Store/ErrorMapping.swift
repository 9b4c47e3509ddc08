import Ledger
import LedgerRules

/// Names the store in every error.
struct ErrorMapping: Sendable {
  /// The URL without its password.
  var place: String

  func callAsFunction(_ error: any Error) -> LedgerError {
    switch error {
    case let error as LedgerError: error
    case let error as PostgresFailure: map(error)
    case is Fenced: fenced
    case let error as DamagedTables:
      LedgerError(
        .unusable, "ledger \(place) is damaged (a row holds no valid value for \(error.what)); restore a backup")
    case let error as InvalidOperation: LedgerError(.invalid, "ledger \(place): \(error.message)")
    default: LedgerError(.invalid, "ledger \(place): \(error)")
    }
  }

  var closed: LedgerError { LedgerError(.closed, "ledger \(place) was closed") }

  var fenced: LedgerError {
    LedgerError(
      .fenced, "ledger \(place): this replica was silent for longer than ledger.lease and another took its work over")
  }

  private func map(_ failure: PostgresFailure) -> LedgerError {
    let said = failure.message
    let (reason, text): (LedgerError.Reason, String) =
      switch failure.state {
      case "28P01": (.unavailable, "refuses the login (\(said)); check user and password in ledger.url")
      case "28000": (.unavailable, "refuses the connection (\(said)); check ledger.url, its sslmode, and pg_hba.conf")
      case "3D000": (.unavailable, "does not exist (\(said)); create the database, or name another in ledger.url")
      case "42501":
        (.unavailable, "lacks a permission (\(said)); grant it, or run 'millrace ledger migrate' as the owner")
      case "3F000", "42P01", "42703":
        (.unavailable, "has no tables of this version (\(said)); run 'millrace ledger migrate'")
      case "25006": (.unavailable, "is read-only (\(said)); name the primary in ledger.url")
      case "53100": (.unavailable, "has no room (\(said)); free space on the server's disk")
      case "53300": (.unavailable, "has no connection left (\(said)); a replica needs four")
      case "XX001": (.unusable, "is damaged (\(said)); restore a backup")
      default:
        if failure.isConnectionLost {
          (.unavailable, "cannot be reached (\(said)); check that the server runs and that ledger.url names it")
        } else if failure.isTransient {
          (.unavailable, "cannot go on now (\(said))")
        } else {
          (.invalid, "refused a statement (\(failure.state) \(said))")
        }
      }
    return LedgerError(reason, "ledger \(place) \(text)")
  }
}
