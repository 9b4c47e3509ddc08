import Threading

/// Rows whose queue refuses them, which are tried again at leisure: a queue that is full holds back its own replies only.
///
/// Bounded in rows and bytes; what is beyond is for the caller to send elsewhere.
final class RefusedReplies: Sendable {
  private static let maximumRows = 1024
  private static let maximumBytes = 16 << 20

  private struct State {
    var rows: [OutboxRow] = []
    var bytes = 0
  }

  private let time: any Timekeeper
  private let state = Locked(State())
  private let ready = Signal()
  private let ended = Signal()

  init(time: any Timekeeper) {
    self.time = time
  }

  /// Returns the rows that there is no room for.
  func add(_ rows: [OutboxRow]) -> [OutboxRow] {
    if rows.isEmpty { return [] }
    let beyond = state.withLock { state in
      rows.filter { row in
        guard state.rows.count < Self.maximumRows, state.bytes + row.bytes <= Self.maximumBytes else { return true }
        state.rows.append(row)
        state.bytes += row.bytes
        return false
      }
    }
    ready.raise()
    return beyond
  }

  /// Ends `run`; what is left stays in the outbox for the next start.
  func close() {
    ready.close()
    ended.close()
  }

  /// - Parameter publish: Returns the rows that are to be tried again.
  func run(_ publish: ([OutboxRow]) async -> [OutboxRow]) async {
    var delay = Duration.seconds(1)
    while !Task.isCancelled {
      if state.withLock({ $0.rows.isEmpty }) {
        delay = .seconds(1)
        guard await ready.wait() else { return }
        continue
      }
      guard await ended.wait(upTo: delay, time), !Task.isCancelled else { return }
      let rows = state.withLock { $0.rows }
      let left = await publish(rows)
      state.withLock { state in
        state.rows = left + state.rows[rows.count...]
        state.bytes = state.rows.reduce(0) { $0 + $1.bytes }
      }
      delay = min(delay * 2, .seconds(30))
    }
  }
}
