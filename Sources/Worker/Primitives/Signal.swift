import Threading

/// A flag that wakes one waiting task: raised any number of times before a wait, it ends that wait once.
final class Signal: Sendable {
  private struct State {
    var raised = false
    var closed = false
    var waiter: CheckedContinuation<Void, Never>?
  }

  private let state = Locked(State())

  func raise() {
    let waiter = state.withLock { state -> CheckedContinuation<Void, Never>? in
      state.raised = true
      defer { state.waiter = nil }
      return state.waiter
    }
    waiter?.resume()
  }

  /// Every wait ends at once from here on.
  func close() {
    let waiter = state.withLock { state -> CheckedContinuation<Void, Never>? in
      state.closed = true
      defer { state.waiter = nil }
      return state.waiter
    }
    waiter?.resume()
  }

  /// Waits until it is raised, and lowers it. Returns false once it is closed. Ends early when the task is cancelled.
  @discardableResult
  func wait() async -> Bool {
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let ready = state.withLock { state in
          if state.raised || state.closed || Task.isCancelled { return true }
          precondition(state.waiter == nil, "a signal has one waiter")
          state.waiter = continuation
          return false
        }
        if ready { continuation.resume() }
      }
    } onCancel: {
      raise()
    }
    return state.withLock { state in
      state.raised = false
      return !state.closed
    }
  }

  /// Waits until it is raised or the duration has passed.
  func wait(upTo duration: Duration, _ time: any Timekeeper) async -> Bool {
    await withTaskGroup(of: Void.self) { group in
      group.addTask { try? await time.sleep(for: duration) }
      group.addTask { await self.wait() }
      await group.next()
      group.cancelAll()
    }
    return state.withLock { !$0.closed }
  }
}
