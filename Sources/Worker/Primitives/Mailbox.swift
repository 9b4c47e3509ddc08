import Threading

/// A queue from many senders to one receiver, who takes everything that is there.
///
/// It has no bound of its own: each use says beside it what bounds its senders.
final class Mailbox<Element: Sendable>: Sendable {
  private struct State {
    var elements: [Element] = []
    var closed = false
    var receiver: CheckedContinuation<Void, Never>?
  }

  private let state = Locked(State())

  func send(_ element: Element) { send([element]) }

  func send(_ elements: [Element]) {
    if elements.isEmpty { return }
    let receiver = state.withLock { state in
      state.elements.append(contentsOf: elements)
      return Self.takeReceiver(&state)
    }
    receiver?.resume()
  }

  /// After it, `next` returns what is left and then `nil`.
  func close() {
    let receiver = state.withLock { state in
      state.closed = true
      return Self.takeReceiver(&state)
    }
    receiver?.resume()
  }

  /// Everything that was sent since the last call, at least one element; `nil` when closed and empty. Cancellation of the
  /// receiving task does not wake it: close the mailbox.
  func next() async -> [Element]? {
    while true {
      let (taken, closed) = state.withLock { state -> ([Element], Bool) in
        let taken = state.elements
        state.elements = []
        return (taken, state.closed)
      }
      if !taken.isEmpty { return taken }
      if closed { return nil }
      await withCheckedContinuation { continuation in
        let ready = state.withLock { state in
          if state.closed || !state.elements.isEmpty { return true }
          precondition(state.receiver == nil, "a mailbox has one receiver")
          state.receiver = continuation
          return false
        }
        if ready { continuation.resume() }
      }
    }
  }

  /// Like `next`, without waiting.
  func poll() -> [Element] {
    state.withLock { state in
      let taken = state.elements
      state.elements = []
      return taken
    }
  }

  private static func takeReceiver(_ state: inout State) -> CheckedContinuation<Void, Never>? {
    defer { state.receiver = nil }
    return state.receiver
  }
}
