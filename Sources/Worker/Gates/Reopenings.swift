import Ledger
import Threading

/// Gates whose breaker has closed, until what waits for it was told.
final class Reopenings: Sendable {
  private let keys = Locked(Set<GateKey>())
  private let wanted = Signal()

  func add(_ key: GateKey) {
    keys.withLock { _ = $0.insert(key) }
    wanted.raise()
  }

  /// Those that came since the last call, at least one; empty when the task is cancelled.
  func next() async -> Set<GateKey> {
    while !Task.isCancelled {
      let found = keys.withLock { keys in
        defer { keys = [] }
        return keys
      }
      if !found.isEmpty { return found }
      await wanted.wait()
    }
    return []
  }
}
