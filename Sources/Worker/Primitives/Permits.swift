import Threading

/// Bounds how many tasks do something at once, first come first served.
final class Permits: Sendable {
  private struct State {
    var free: Int
    var waiters: [CheckedContinuation<Void, Never>] = []
    var head = 0
  }

  private let state: Locked<State>

  init(_ count: Int) {
    state = Locked(State(free: count))
  }

  func acquire() async {
    await withCheckedContinuation { continuation in
      let ready = state.withLock { state in
        if state.free > 0 {
          state.free -= 1
          return true
        }
        state.waiters.append(continuation)
        return false
      }
      if ready { continuation.resume() }
    }
  }

  func release() {
    let waiter = state.withLock { state -> CheckedContinuation<Void, Never>? in
      guard state.head < state.waiters.count else {
        state.free += 1
        return nil
      }
      let waiter = state.waiters[state.head]
      state.head += 1
      if state.head == state.waiters.count {
        state.waiters.removeAll(keepingCapacity: true)
        state.head = 0
      }
      return waiter
    }
    waiter?.resume()
  }

  func withPermit<Result>(_ body: () async throws -> Result) async rethrows -> Result {
    await acquire()
    defer { release() }
    return try await body()
  }
}
