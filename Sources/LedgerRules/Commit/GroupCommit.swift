package import Ledger
import Threading

/// Commits operations in groups: what arrives while a commit is written to disk goes into the next one, so that one
/// flush serves all of it.
///
/// Operations run one after another where the session lives, off the cooperative pool. When one of a group fails, the
/// group is rolled back and each of it runs alone, so that it takes nothing of its neighbours along.
package final class GroupCommit<Session: CommitSession>: Sendable {
  private struct State {
    var waiting: [any PendingOperation<Session>] = []
    var isRunning = false
    var isClosed = false
    var closing: OneShot<Void>?
  }

  /// A group ends when it has this many rows: its commit delays everybody in it.
  package static var rowLimit: Int { 4096 }
  private static var tries: Int { 20 }

  private let enqueue: @Sendable (@escaping @Sendable (Session) -> Void) -> Void
  private let mapping: @Sendable (any Error) -> LedgerError
  private let closed: LedgerError
  private let state = Locked(State())

  /// - Parameters:
  ///   - enqueue: Runs a closure with the session where it lives, one after another.
  ///   - mapping: Names the store in an error.
  package init(
    closed: LedgerError, mapping: @escaping @Sendable (any Error) -> LedgerError,
    enqueue: @escaping @Sendable (@escaping @Sendable (Session) -> Void) -> Void
  ) {
    self.enqueue = enqueue
    self.mapping = mapping
    self.closed = closed
  }

  /// Runs the operation in a transaction and returns when it is on disk.
  ///
  /// It may be run and rolled back, so it must leave nothing behind but what is in the database or in the session.
  ///
  /// - Parameter rows: How many rows it is about.
  package func perform<Value: Sendable>(
    rows: Int, _ body: @escaping @Sendable (Session) throws -> Value
  ) async throws(LedgerError) -> Value {
    let operation = Operation(rows: max(1, min(rows, Self.rowLimit)), body: body)
    let (accepted, mustRun) = state.withLock { state -> (Bool, Bool) in
      guard !state.isClosed else { return (false, false) }
      state.waiting.append(operation)
      defer { state.isRunning = true }
      return (true, !state.isRunning)
    }
    guard accepted else { throw closed }
    if mustRun { enqueue { [self] session in drain(session) } }
    return try await operation.result.value.get()
  }

  /// How many operations wait for the next commit.
  package var waitingCount: Int { state.withLock { $0.waiting.count } }

  /// Refuses what comes from now on, and returns when the rest is committed.
  package func close() async {
    let closing = OneShot<Void>()
    let isIdle = state.withLock { state in
      state.isClosed = true
      if state.isRunning { state.closing = closing }
      return !state.isRunning
    }
    if !isIdle { await closing.value }
  }

  private func drain(_ session: Session) {
    while let group = nextGroup() { commit(group, session) }
  }

  private func nextGroup() -> [any PendingOperation<Session>]? {
    let (group, closing) = state.withLock { state -> ([any PendingOperation<Session>]?, OneShot<Void>?) in
      if state.waiting.isEmpty {
        state.isRunning = false
        defer { state.closing = nil }
        return (nil, state.closing)
      }
      var rows = 0
      let count = state.waiting.firstIndex { operation in
        defer { rows += operation.rows }
        return rows >= Self.rowLimit
      }
      let group = Array(state.waiting.prefix(count ?? state.waiting.count))
      state.waiting.removeFirst(group.count)
      return (group, nil)
    }
    closing?.succeed(())
    return group
  }

  private func commit(_ group: [any PendingOperation<Session>], _ session: Session) {
    guard let error = attempt(group, session) else {
      for operation in group { operation.finish(nil) }
      return
    }
    // What concerns the store as a whole fails every operation alike.
    guard group.count > 1, mapping(error).reason == .invalid else {
      for operation in group { operation.finish(mapping(error)) }
      return
    }
    for operation in group { operation.finish(attempt([operation], session).map { mapping($0) }) }
  }

  /// Nil when everything is on disk; otherwise nothing is.
  private func attempt(_ group: [any PendingOperation<Session>], _ session: Session) -> (any Error)? {
    for number in 1... {
      do {
        try session.begin()
        for operation in group { try operation.execute(session) }
        Failpoint.commit.before()
        try session.commit()
        Failpoint.commit.after()
        return nil
      } catch {
        session.rollBack()
        guard number < Self.tries, session.mayRetry(error) else { return error }
      }
    }
    return nil
  }
}

/// An operation whose kind of result is forgotten. It belongs to the writer but for its result.
private protocol PendingOperation<Session>: AnyObject, Sendable {
  associatedtype Session
  var rows: Int { get }
  func execute(_ session: Session) throws
  /// Hands out the result, or the error of the commit.
  func finish(_ error: LedgerError?)
}

private final class Operation<Session, Value: Sendable>: PendingOperation {
  let rows: Int
  let result = OneShot<Result<Value, LedgerError>>()
  private let body: @Sendable (Session) throws -> Value
  private let value = Locked<Value?>(nil)

  init(rows: Int, body: @escaping @Sendable (Session) throws -> Value) {
    self.rows = rows
    self.body = body
  }

  func execute(_ session: Session) throws {
    let result = try body(session)
    value.withLock { $0 = result }
  }

  func finish(_ error: LedgerError?) {
    if let error {
      result.succeed(.failure(error))
    } else if let value = value.withLock({ $0 }) {
      result.succeed(.success(value))
    }
  }
}
