import GRDB
import LedgerRules

/// The connection that writes, with its session, on a queue of its own.
final class Writer: Sendable {
  private let queue: DatabaseQueue
  private let session: Confined<WriteSession>

  init(queue: DatabaseQueue, session: Confined<WriteSession>) {
    self.queue = queue
    self.session = session
  }

  func enqueue(_ work: @escaping @Sendable (WriteSession) -> Void) {
    queue.asyncWriteWithoutTransaction { [session] _ in
      guard let session = session.value else { return }
      work(session)
    }
  }

  /// Ends the connection; blocks. Only when nothing is committed any more.
  func release() {
    session.release()
    // Without statements there is nothing that could keep it open.
    try? queue.close()
  }
}
