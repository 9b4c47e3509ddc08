import Glibc
import TestSupport

/// A folder of a test's own for a ledger's file.
struct LedgerFolder {
  private let folder: String

  init() throws {
    var template = Array("/tmp/millrace-worker-XXXXXX".utf8CString)
    guard let path = mkdtemp(&template) else { throw TestTimeout("no temporary directory: \(errno)") }
    folder = String(cString: path)
  }

  var path: String { folder + "/ledger.sqlite" }

  func remove() {
    for name in ["", "-wal", "-shm", ".lock"] { unlink(path + name) }
    rmdir(folder)
  }
}
