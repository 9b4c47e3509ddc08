import BatchCore
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
    /// The server's clock at a moment of ours.
    var clock: (time: Timestamp, at: ContinuousClock.Instant)?
    var waiters: [OneShot<Void>] = []
    var isEnding = false
    var isFrozen = false
  }

  private let replica: Int64
  private let thread: EventThread
  private let link: Link<PreparedStatement>
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
      connection.prepare(
        """
        UPDATE replica SET renewals = renewals + 1, renewed_at = clock_timestamp() WHERE id = $1::bigint
        RETURNING (extract(epoch FROM clock_timestamp()) * 1000)::bigint
        """)
    }
    thread = EventThread(name: "ledger lease")
    thread.attach(self)
  }

  func left() -> Duration { state.withLock { $0.lease.left(at: .now) } }

  /// The server's time, which all replicas share; nil before the first renewal.
  func now() -> Timestamp? {
    state.withLock { $0.clock }.map { $0.time + ($0.at.duration(to: .now)) }
  }

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
    let (due, isOver) = state.withLock { state in
      // At once for the first time, which brings the server's clock.
      let due = state.clock == nil ? ContinuousClock.now : state.lease.renewedAt + state.lease.interval
      return (due, state.lease.isLost || state.isFrozen)
    }
    var wait = due - .now
    if isOver {
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
    let askedAt = ContinuousClock.now
    do {
      let statement = try link.open().statements.start()
      statement.bind(replica)
      if let clock = try statement.first({ try $0.timestamp(0) }) {
        state.withLock { state in
          let answeredAt = ContinuousClock.now
          state.lease.renewed(askedAt: askedAt, answeredAt: answeredAt)
          // The server has looked at its clock somewhere between.
          state.clock = (clock, askedAt + (answeredAt - askedAt) / 2)
        }
      } else {
        noteLoss()
      }
      return true
    } catch {
      link.drop()
      return false
    }
  }

  /// For tests: as if the process were stopped, until it is thawed.
  func setFrozen(_ isFrozen: Bool) {
    state.withLock { $0.isFrozen = isFrozen }
    thread.wakeUp()
  }

  /// Ends the thread. The row stays: whoever ends deletes it in a transaction of the writer.
  func stop() async {
    state.withLock { $0.isEnding = true }
    await thread.stop()
    link.drop()
  }
}
