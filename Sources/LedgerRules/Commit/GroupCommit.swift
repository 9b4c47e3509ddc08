package import Ledger
import Threading

/// Commits operations in groups: what arrives while a commit is written to disk goes into the next one, so that one
/// flush serves all of it. What somebody waits for goes first (see `CommitQueue`).
///
/// Operations run one after another where the session lives, off the cooperative pool. When one of a group fails, the
/// group is rolled back and each of it runs alone, so that it takes nothing of its neighbours along.
package final class GroupCommit<Session: CommitSession>: Sendable {
  private struct State {
    var waiting = CommitQueue<any PendingOperation<Session>>()
    var isRunning = false
    var isClosed = false
    var closing: OneShot<Void>?
  }

  private static var tries: Int { 20 }

  private typealias Group = CommitQueue<any PendingOperation<Session>>.Group

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
  /// - Parameters:
  ///   - rows: How many rows it is about.
  ///   - isUrgent: Whether somebody waits for what it is about within seconds. Operations that are under way together may
  ///     be committed in any order.
  ///   - prepare: Runs in the transaction before any operation of it does.
  package func perform<Value: Sendable>(
    rows: Int, isUrgent: Bool = false, prepare: @escaping @Sendable (Session) -> Void = { _ in },
    _ body: @escaping @Sendable (Session) throws -> Value
  ) async throws(LedgerError) -> Value {
    let operation = Operation(prepare: prepare, body: body)
    let (accepted, mustRun) = state.withLock { state -> (Bool, Bool) in
      guard !state.isClosed else { return (false, false) }
      state.waiting.append(operation, rows: rows, isUrgent: isUrgent)
      defer { state.isRunning = true }
      return (true, !state.isRunning)
    }
    guard accepted else { throw closed }
    if mustRun { enqueue { [self] session in drain(session) } }
    return try await operation.result.value.get()
  }

  /// Whether somebody waits for the commit that is being made to end.
  var isAwaited: Bool { state.withLock { $0.waiting.hasUrgent } }

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
    while let group = nextGroup() {
      let done = commit(group, session)
      if done < group.entries.count { state.withLock { $0.waiting.putBack(group.entries[done...]) } }
    }
  }

  private func nextGroup() -> Group? {
    let (group, closing) = state.withLock { state -> (Group?, OneShot<Void>?) in
      guard let group = state.waiting.next() else {
        state.isRunning = false
        defer { state.closing = nil }
        return (nil, state.closing)
      }
      return (group, nil)
    }
    closing?.succeed(())
    return group
  }

  /// Returns how many of the group have their end; the rest has not been run.
  private func commit(_ group: Group, _ session: Session) -> Int {
    let operations = group.entries.map(\.element)
    let (done, failure) = attempt(group, session)
    guard let failure else {
      for operation in operations[..<done] { operation.finish(nil) }
      return done
    }
    // What concerns the store as a whole fails every operation alike. Damage may concern what one of them reads only.
    let reason = mapping(failure).reason
    guard operations.count > 1, reason == .invalid || reason == .unusable else {
      for operation in operations { operation.finish(mapping(failure)) }
      return operations.count
    }
    for entry in group.entries {
      entry.element.finish(attempt(Group(entries: [entry], yields: false), session).failure.map { mapping($0) })
    }
    return operations.count
  }

  /// Without a failure so many of the group are on disk; otherwise nothing is.
  private func attempt(_ group: Group, _ session: Session) -> (done: Int, failure: (any Error)?) {
    for number in 1... {
      do {
        try session.begin()
        for entry in group.entries { entry.element.prepare(session) }
        var (done, rows) = (0, 0)
        for entry in group.entries {
          try entry.element.execute(session)
          done += 1
          rows += entry.rows
          if group.yields, state.withLock({ [rows] in $0.waiting.mustYield(after: rows) }) { break }
        }
        Failpoint.commit.before()
        try session.commit()
        Failpoint.commit.after()
        return (done, nil)
      } catch {
        session.rollBack()
        guard number < Self.tries, session.mayRetry(error) else { return (0, error) }
      }
    }
    return (0, nil)
  }
}

/// An operation whose kind of result is forgotten. It belongs to the writer but for its result.
private protocol PendingOperation<Session>: AnyObject, Sendable {
  associatedtype Session
  func prepare(_ session: Session)
  func execute(_ session: Session) throws
  /// Hands out the result, or the error of the commit.
  func finish(_ error: LedgerError?)
}

private final class Operation<Session, Value: Sendable>: PendingOperation {
  let result = OneShot<Result<Value, LedgerError>>()
  private let preparation: @Sendable (Session) -> Void
  private let body: @Sendable (Session) throws -> Value
  private let value = Locked<Value?>(nil)

  init(
    prepare preparation: @escaping @Sendable (Session) -> Void, body: @escaping @Sendable (Session) throws -> Value
  ) {
    self.preparation = preparation
    self.body = body
  }

  func prepare(_ session: Session) { preparation(session) }

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
