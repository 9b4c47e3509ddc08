import Threading

/// Counts what is going on, and lets one task wait until nothing is.
final class Latch: Sendable {
  private let count: Locked<Int>
  private let signal = Signal()

  init(_ count: Int = 0) {
    self.count = Locked(count)
  }

  var current: Int { count.withLock { $0 } }

  func enter() { count.withLock { $0 += 1 } }

  func leave() {
    count.withLock { $0 -= 1 }
    signal.raise()
  }

  /// Returns when the count is zero, or when the task is cancelled. One waiter at a time.
  func wait() async {
    while current > 0, !Task.isCancelled { await signal.wait() }
  }
}
