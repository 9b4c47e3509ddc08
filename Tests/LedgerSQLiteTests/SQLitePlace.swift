import Foundation
import LedgerSQLite
import TestSupport

/// A folder of its own for a test's ledger, removed with it.
final class SQLitePlace: Sendable {
  let folder: String

  init() throws {
    let url = FileManager.default.temporaryDirectory.appending(path: "millrace-ledger-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    folder = url.path
  }

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  var path: String { folder + "/data/ledger.sqlite" }

  var place: LedgerPlace {
    LedgerPlace { [path] in try SQLiteLedger(path: path) }
  }
}
