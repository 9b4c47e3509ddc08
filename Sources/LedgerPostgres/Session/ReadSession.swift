import Ledger
import LedgerRules
import Threading

/// Reads on a thread and a connection of its own, one at a time, each seeing the last commit.
final class ReadSession<Reader>: Sendable {
  private let thread: SessionThread<Link<Reader>>
  private let mapping: ErrorMapping
  private let isClosed = Locked(false)

  init(
    _ parameters: PostgresParameters, lease: Duration, name: String, mapping: ErrorMapping,
    make: @escaping (PostgresConnection) throws -> Reader
  ) {
    self.mapping = mapping
    thread = SessionThread(name: name, session: Link(parameters, lease: lease, make: make))
  }

  func read<Value: Sendable>(_ body: @escaping @Sendable (Reader) throws -> Value) async throws(LedgerError) -> Value {
    if isClosed.withLock({ $0 }) { throw mapping.closed }
    let result = OneShot<Result<Value, LedgerError>>()
    thread.enqueue { [mapping] link in
      do {
        result.succeed(.success(try body(try link.open().statements)))
      } catch {
        if (error as? PostgresFailure)?.isConnectionLost ?? false { link.drop() }
        result.succeed(.failure(mapping(error)))
      }
    }
    return try await result.value.get()
  }

  /// Returns when the reads before it have ended.
  func close() async {
    if isClosed.withLock({ closed in
      defer { closed = true }
      return closed
    }) {
      return
    }
    thread.enqueue { $0.drop() }
    await thread.stop()
  }
}
