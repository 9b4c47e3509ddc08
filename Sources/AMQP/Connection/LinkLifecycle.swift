import Threading

/// Whether `run()` was called and has ended, for those who wait for the end.
final class LinkLifecycle: Sendable {
  private enum State {
    case idle
    case running([OneShot<Void>])
    case ended
  }

  private let state = Locked(State.idle)

  /// Returns whether this is the first run.
  func begin() -> Bool {
    state.withLock { state in
      guard case .idle = state else { return false }
      state = .running([])
      return true
    }
  }

  func end() {
    let waiters = state.withLock { state -> [OneShot<Void>] in
      defer { state = .ended }
      guard case .running(let waiters) = state else { return [] }
      return waiters
    }
    for waiter in waiters { waiter.succeed(()) }
  }

  /// Returns when the run has ended. One that has not begun never will.
  func stopped() async {
    let waiter = OneShot<Void>()
    let waits = state.withLock { state in
      guard case .running(let waiters) = state else {
        state = .ended
        return false
      }
      state = .running(waiters + [waiter])
      return true
    }
    if waits { await waiter.value }
  }
}
