import GRDB
import Ledger
import Threading

/// Commits operations in groups: what arrives while a commit is written to disk goes into the next one, so that one
/// flush serves all of it.
///
/// Operations run one after another on the writer's queue, off the cooperative pool. In a group each has a savepoint, so
/// that one that fails takes nothing of its neighbours along.
final class GroupCommit: Sendable {
  private struct State {
    var waiting: [any PendingOperation] = []
    var isRunning = false
    var isClosed = false
    var closing: OneShot<Void>?
  }

  /// A group ends when it has this many rows: its commit delays everybody in it.
  fileprivate static let rowLimit = 4096

  private let queue: DatabaseQueue
  private let session: Confined<WriteSession>
  private let mapping: ErrorMapping
  private let state = Locked(State())

  init(queue: DatabaseQueue, session: Confined<WriteSession>, mapping: ErrorMapping) {
    self.queue = queue
    self.session = session
    self.mapping = mapping
  }

  /// Runs the operation in a transaction and returns when it is on disk.
  ///
  /// It may be run and rolled back, so it must leave nothing behind but what is in the database or in the session.
  ///
  /// - Parameter rows: How many rows it is about.
  func perform<Value: Sendable>(
    rows: Int, _ body: @escaping @Sendable (WriteSession) throws -> Value
  ) async throws(LedgerError) -> Value {
    let operation = Operation(rows: rows, body: body)
    let (accepted, mustRun) = state.withLock { state -> (Bool, Bool) in
      guard !state.isClosed else { return (false, false) }
      state.waiting.append(operation)
      defer { state.isRunning = true }
      return (true, !state.isRunning)
    }
    guard accepted else { throw mapping.closed }
    if mustRun {
      queue.asyncWriteWithoutTransaction { [self] _ in
        guard let session = session.value else { return }
        drain(session)
      }
    }
    return try await operation.result.value.get()
  }

  /// How many operations wait for the next commit.
  var waitingCount: Int { state.withLock { $0.waiting.count } }

  /// Refuses what comes from now on, and returns when the rest is committed.
  func close() async {
    let closing = OneShot<Void>()
    let isIdle = state.withLock { state in
      state.isClosed = true
      if state.isRunning { state.closing = closing }
      return !state.isRunning
    }
    if !isIdle { await closing.value }
  }

  /// Ends the connection; blocks. Only after `close()`.
  func release() {
    session.release()
    // Without statements there is nothing that could keep it open.
    try? queue.close()
  }

  private func drain(_ session: WriteSession) {
    while let group = nextGroup() { commit(group, session) }
  }

  private func nextGroup() -> [any PendingOperation]? {
    let (group, closing) = state.withLock { state -> ([any PendingOperation]?, OneShot<Void>?) in
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

  private func commit(_ group: [any PendingOperation], _ session: WriteSession) {
    var failed: LedgerError?
    do {
      try session.transaction.begin()
      for operation in group { try run(operation, session, isAlone: group.count == 1) }
      Failpoint.commit.before()
      try session.transaction.commit()
      Failpoint.commit.after()
    } catch {
      failed = mapping(error)
      session.rollBack()
    }
    for operation in group { operation.finish(failed) }
  }

  /// Throws when the transaction as a whole cannot go on.
  private func run(_ operation: any PendingOperation, _ session: WriteSession, isAlone: Bool) throws {
    if isAlone { return try operation.execute(session) }
    try session.transaction.setSavepoint()
    do {
      try operation.execute(session)
    } catch {
      if let failure = error as? SQLiteFailure, failure.concernsStore { throw failure }
      try session.rollBackToSavepoint()
      operation.fail(mapping(error))
    }
    try session.transaction.releaseSavepoint()
  }
}

/// An operation whose kind of result is forgotten. It belongs to the writer's queue but for its result.
private protocol PendingOperation: AnyObject, Sendable {
  var rows: Int { get }
  func execute(_ session: WriteSession) throws
  func fail(_ error: LedgerError)
  /// Hands out the result, or the error of the commit.
  func finish(_ error: LedgerError?)
}

private final class Operation<Value: Sendable>: PendingOperation {
  let rows: Int
  let result = OneShot<Result<Value, LedgerError>>()
  private let body: @Sendable (WriteSession) throws -> Value
  private let outcome = Locked<Result<Value, LedgerError>?>(nil)

  init(rows: Int, body: @escaping @Sendable (WriteSession) throws -> Value) {
    self.rows = max(1, min(rows, GroupCommit.rowLimit))
    self.body = body
  }

  func execute(_ session: WriteSession) throws {
    let value = try body(session)
    outcome.withLock { $0 = .success(value) }
  }

  func fail(_ error: LedgerError) {
    outcome.withLock { $0 = .failure(error) }
  }

  func finish(_ error: LedgerError?) {
    if let error {
      result.succeed(.failure(error))
    } else if let outcome = outcome.withLock({ $0 }) {
      result.succeed(outcome)
    }
  }
}
