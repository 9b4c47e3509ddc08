import GRDB
import GRDBSQLite
import Synchronization
import Threading

/// Writes the write-ahead log into the database file, on a connection of its own beside the one that commits.
///
/// The hook that a connection has for it knows this without holding it: it must outlive that connection.
final class Checkpointer: Sendable {
  private let queue: DatabaseQueue
  private let growth: Locked<LogGrowth>

  init(path: String, limit: Int) throws {
    queue = try Connections.checkpointer(path: path)
    growth = Locked(LogGrowth(limit: limit))
  }

  /// From now on it is told of each commit of this connection, which writes nothing into the file by itself any more.
  func watch(_ connection: OpaquePointer) {
    sqlite3_wal_autocheckpoint(connection, 0)
    sqlite3_wal_hook(
      connection,
      { context, connection, name, pages in
        if let context {
          Unmanaged<Checkpointer>.fromOpaque(context).takeUnretainedValue().committed(connection, name, Int(pages))
        }
        return SQLITE_OK
      }, Unmanaged.passUnretained(self).toOpaque())
  }

  private func committed(_ connection: OpaquePointer?, _ name: UnsafePointer<CChar>?, _ pages: Int) {
    switch growth.withLock({ $0.committed(pages: pages) }) {
    case .beside: write()
    // What cannot be written stays in the log, as long as it must, and is tried again at the next commit.
    case .here: sqlite3_wal_checkpoint_v2(connection, name, SQLITE_CHECKPOINT_PASSIVE, nil, nil)
    case nil: break
    }
  }

  private func write() {
    queue.asyncWriteWithoutTransaction { [growth] db in
      var written: CInt = 0
      // Without a result nothing is known to be written, and the next commit asks again.
      if let connection = db.sqliteConnection {
        sqlite3_wal_checkpoint_v2(connection, nil, SQLITE_CHECKPOINT_PASSIVE, nil, &written)
        Self.sync(connection)
      }
      growth.withLock { $0.wrote(pages: Int(written)) }
    }
  }

  /// Has the disk take the file now. SQLite does so only where it has written the whole log, which beside a busy writer is
  /// hardly ever, and then the commit that writes the rest would wait for all that was written before.
  ///
  /// Through SQLite's own handle: to close another descriptor of the file would drop its locks.
  private static func sync(_ connection: OpaquePointer) {
    var file: UnsafeMutablePointer<sqlite3_file>?
    guard sqlite3_file_control(connection, "main", SQLITE_FCNTL_FILE_POINTER, &file) == SQLITE_OK, let file,
      let methods = file.pointee.pMethods
    else { return }
    // What fails here is tried again, and noticed, by the commit that ends the log.
    _ = methods.pointee.xSync(file, SQLITE_SYNC_NORMAL)
  }

  /// Returns when what it writes is written.
  func close() async {
    let done = OneShot<Void>()
    queue.asyncWriteWithoutTransaction { _ in done.succeed(()) }
    await done.value
  }

  /// Ends its connection; blocks. Only when nothing is committed any more.
  func release() { try? queue.close() }
}
