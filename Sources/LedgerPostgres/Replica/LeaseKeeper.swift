import Glibc
import Ledger
import Threading

/// Renews this replica's lease on a thread and a connection of its own, so that nothing that is slow or held up elsewhere
/// costs it.
///
/// Unchecked since the compiler cannot see that the link is touched on the thread only.
final class LeaseKeeper: EventLoopDriver, @unchecked Sendable {
  private struct State {
    var lease: Lease
    var waiters: [OneShot<Void>] = []
    var isEnding = false
  }

  private let replica: Int64
  private let thread: EventThread
  private let link: Link<PostgresStatement>
  private let state: Locked<State>
  /// How soon a renewal that failed is tried again.
  private static let retry = Duration.milliseconds(500)

  /// - Parameter takenAt: when the replica's row was asked for.
  init(_ parameters: PostgresParameters, replica: Int64, duration: Duration, takenAt: ContinuousClock.Instant) {
    var parameters = parameters
    // A renewal that takes longer than its turn is worth a new connection.
    parameters.statementTimeout = duration / 3
    self.replica = replica
    state = Locked(State(lease: Lease(duration: duration, takenAt: takenAt)))
    link = Link(parameters, lease: duration) { connection in
      try PostgresStatement(
        connection,
        """
        UPDATE replica SET expires_at = clock_timestamp() + make_interval(secs => $1::bigint / 1000.0)
        WHERE id = $2::bigint
        """)
    }
    thread = EventThread(name: "ledger lease")
    thread.attach(self)
  }

  func left() -> Duration { state.withLock { $0.lease.left(at: .now) } }

  func mayJudge() -> Bool { state.withLock { $0.lease.mayJudge(at: .now) } }

  /// The ledger has said so.
  func noteLoss() {
    let waiters = state.withLock { state -> [OneShot<Void>] in
      // Its own end is no loss.
      if state.isEnding { return [] }
      state.lease.lost()
      defer { state.waiters = [] }
      return state.waiters
    }
    for waiter in waiters { waiter.succeed(()) }
  }

  /// Returns when the lease is lost or the task is cancelled.
  func loss() async {
    let waiter = OneShot<Void>()
    let isLost = state.withLock { state in
      if !state.lease.isLost { state.waiters.append(waiter) }
      return state.lease.isLost
    }
    if isLost { return }
    await withTaskCancellationHandler {
      await waiter.value
    } onCancel: {
      waiter.succeed(())
    }
  }

  func turn(wake: CInt) {
    let (due, isLost) = state.withLock { ($0.lease.renewedAt + $0.lease.interval, $0.lease.isLost) }
    var wait = due - .now
    if isLost {
      wait = .seconds(3600)
    } else if wait <= .zero {
      wait = renew() ? .zero : Self.retry
    }
    guard wait > .zero else { return }
    var descriptor = pollfd(fd: wake, events: Int16(POLLIN), revents: 0)
    _ = unsafe poll(&descriptor, 1, CInt(clamping: wait.wholeMilliseconds + 1))
  }

  /// Returns whether the server has answered.
  private func renew() -> Bool {
    let duration = state.withLock { $0.lease.duration }
    let askedAt = ContinuousClock.now
    do {
      let statement = try link.open().statements.start()
      statement.bind(duration.wholeMilliseconds)
      statement.bind(replica)
      if try statement.run() == 0 {
        noteLoss()
      } else {
        state.withLock { $0.lease.renewed(askedAt: askedAt, answeredAt: .now) }
      }
      return true
    } catch {
      link.drop()
      return false
    }
  }

  /// Ends the thread. The row stays: whoever ends deletes it in a transaction of the writer.
  func stop() async {
    state.withLock { $0.isEnding = true }
    await thread.stop()
    link.drop()
  }
}
