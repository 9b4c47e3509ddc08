import Threading

/// What happened since the start that the witness does not tell: refusals, faults, calls to files and batches.
final class Counters: Sendable {
  private let counts = Locked<[String: Int]>([:])

  /// - Parameter name: From a closed set.
  func count(_ name: String) {
    counts.withLock { $0[name, default: 0] += 1 }
  }

  /// Sorted by name.
  var all: [(name: String, count: Int)] {
    counts.withLock { counts in counts.sorted { $0.key < $1.key }.map { ($0.key, $0.value) } }
  }

  func reset() { counts.withLock { $0 = [:] } }
}
