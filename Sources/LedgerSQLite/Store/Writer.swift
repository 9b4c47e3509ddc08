import GRDB
import LedgerRules

/// The connection that commits, with its session, on a queue of its own, and the one that takes the log to the file.
final class Writer: Sendable {
  private let queue: DatabaseQueue
  private let session: Confined<WriteSession>
  /// Told of each commit, so it must be there as long as there may be one.
  private let checkpointer: Checkpointer

  init(queue: DatabaseQueue, session: Confined<WriteSession>, checkpointer: Checkpointer) {
    self.queue = queue
    self.session = session
    self.checkpointer = checkpointer
    queue.writeWithoutTransaction { db in
      if let connection = db.sqliteConnection { checkpointer.watch(connection) }
    }
  }

  func enqueue(_ work: @escaping @Sendable (WriteSession) -> Void) {
    queue.asyncWriteWithoutTransaction { [session, checkpointer] _ in
      guard let session = session.value else { return }
      withExtendedLifetime(checkpointer) { work(session) }
    }
  }

  /// Returns when what is being written into the file is there.
  func close() async { await checkpointer.close() }

  /// Ends the connections; blocks. Only after `close()`, and when nothing is committed any more.
  func release() {
    session.release()
    checkpointer.release()
    // Without statements there is nothing that could keep it open.
    try? queue.close()
  }
}
