import GRDB
import Ledger
import LedgerRules
import Threading

/// Reads on a connection of its own, off the cooperative pool, one at a time, each on one snapshot that has the last
/// commit.
final class ReadQueue<Session: ReadSession>: Sendable {
  private let queue: DatabaseQueue
  private let session: Confined<Session>
  private let mapping: ErrorMapping
  private let isClosed = Locked(false)

  init(path: String, name: String, mapping: ErrorMapping) throws {
    queue = try Connections.reader(path: path, name: name)
    session = try queue.writeWithoutTransaction { db in
      guard let connection = db.sqliteConnection else { throw InvalidOperation("no connection") }
      return Confined(try Session(connection))
    }
    self.mapping = mapping
  }

  func read<Value: Sendable>(
    _ body: @escaping @Sendable (Session) throws -> Value
  ) async throws(LedgerError) -> Value {
    if isClosed.withLock({ $0 }) { throw mapping.closed }
    let result = OneShot<Result<Value, LedgerError>>()
    queue.asyncWriteWithoutTransaction { [session, mapping] _ in
      guard let session = session.value else {
        result.succeed(.failure(mapping.closed))
        return
      }
      result.succeed(Self.run(body, session, mapping))
    }
    return try await result.value.get()
  }

  private static func run<Value: Sendable>(
    _ body: (Session) throws -> Value, _ session: Session, _ mapping: ErrorMapping
  ) -> Result<Value, LedgerError> {
    do {
      try session.snapshot.begin()
      defer { session.snapshot.end() }
      return .success(try body(session))
    } catch {
      return .failure(mapping(error))
    }
  }

  /// Returns when the reads before it have ended.
  func close() async {
    isClosed.withLock { $0 = true }
    let done = OneShot<Void>()
    queue.asyncWriteWithoutTransaction { _ in done.succeed(()) }
    await done.value
  }

  /// Ends the connection; blocks. Only after `close()`.
  func release() {
    queue.writeWithoutTransaction { _ in session.release() }
    // Without statements there is nothing that could keep it open.
    try? queue.close()
  }
}

/// The statements of a reader.
protocol ReadSession: AnyObject, SendableMetatype {
  init(_ connection: OpaquePointer) throws
  var snapshot: Snapshot { get }
}

/// Keeps several statements on one state of the database.
final class Snapshot {
  private let beginStatement: Statement
  private let endStatement: Statement

  init(_ connection: OpaquePointer) throws {
    beginStatement = try Statement(connection, "BEGIN")
    endStatement = try Statement(connection, "COMMIT")
  }

  func begin() throws { try beginStatement.start().run() }

  func end() {
    // It wrote nothing, so there is nothing that could fail to be kept.
    _ = try? endStatement.start().run()
  }
}
