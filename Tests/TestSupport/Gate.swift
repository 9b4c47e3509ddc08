import Threading

/// Lets tasks through while it is open and holds them while it is shut.
public final class Gate: Sendable {
  private struct State {
    var isOpen: Bool
    var nextID = 0
    var waiters: [Int: CheckedContinuation<Bool, Never>] = [:]
    var cancelled: Set<Int> = []
  }

  private let state: Locked<State>

  public init(open: Bool = true) {
    state = Locked(State(isOpen: open))
  }

  /// How many tasks it holds.
  public var held: Int { state.withLock { $0.waiters.count } }

  public func shut() { state.withLock { $0.isOpen = false } }

  public func open() {
    let waiters = state.withLock { state in
      state.isOpen = true
      defer { state.waiters = [:] }
      return state.waiters
    }
    for waiter in waiters.sorted(by: { $0.key < $1.key }) { waiter.value.resume(returning: true) }
  }

  /// Waits, cancelled or not.
  public func pass() async {
    _ = await withCheckedContinuation { wait(nil, $0) }
  }

  /// Waits until it is open or the task is cancelled; returns whether it was open.
  public func passUnlessCancelled() async -> Bool {
    let id = state.withLock { state in
      state.nextID += 1
      return state.nextID
    }
    return await withTaskCancellationHandler {
      await withCheckedContinuation { wait(id, $0) }
    } onCancel: {
      let waiter = state.withLock { state -> CheckedContinuation<Bool, Never>? in
        if let waiter = state.waiters.removeValue(forKey: id) { return waiter }
        state.cancelled.insert(id)
        return nil
      }
      waiter?.resume(returning: false)
    }
  }

  private func wait(_ id: Int?, _ continuation: CheckedContinuation<Bool, Never>) {
    let answer = state.withLock { state -> Bool? in
      if let id, state.cancelled.remove(id) != nil { return false }
      if state.isOpen { return true }
      state.nextID += 1
      state.waiters[id ?? state.nextID] = continuation
      return nil
    }
    if let answer { continuation.resume(returning: answer) }
  }
}
