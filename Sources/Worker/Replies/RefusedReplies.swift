import BatchCore
import Threading
import Wire

/// Rows whose queue refuses them, which are tried again at leisure: a queue that is full holds back its own replies only.
///
/// Bounded in rows and bytes. What is beyond goes where replies go that nobody takes, but not at once: a queue whose leader
/// is lost refuses as well, until it has another.
final class RefusedReplies: Sendable {
  private static let maximumRows = 1024
  private static let maximumBytes = 16 << 20

  /// Longer than a quorum queue takes to have another leader.
  private static let longestWait = Duration.seconds(15)
  /// For so long nobody waits any more for who kept a row waiting in vain, so that a queue which stays full does not hold up
  /// others again and again.
  private static let distrust = Duration.seconds(60)
  private static let maximumDistrusted = 256

  private struct State {
    var rows: [OutboxRow] = []
    var bytes = 0
    /// Until when, by exchange, or by queue where that is the address.
    var distrusted: [[UInt8]: Timestamp] = [:]
  }

  private let time: any Timekeeper
  private let unclaimed: String
  private let state = Locked(State())
  private let ready = Signal()
  private let ended = Signal()

  init(time: any Timekeeper, unclaimed: String) {
    self.time = time
    self.unclaimed = unclaimed
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

  /// Of rows that there is no room for, sends those elsewhere that were refused for too long; the others stay as they are.
  func redirect(_ rows: [OutboxRow]) -> [OutboxRow] {
    if rows.isEmpty { return [] }
    let now = time.monotonic()
    return state.withLock { state in
      state.distrusted = state.distrusted.filter { $0.value > now }
      return rows.map { row in
        guard let first = row.open.first else { return row }
        let address = first.exchange.isEmpty ? first.routingKey : Array(first.exchange.utf8)
        let isFull = state.distrusted.count >= Self.maximumDistrusted
        let isDistrusted = state.distrusted[address] != nil || isFull
        guard isDistrusted || now - (row.refusedSince ?? now) >= Self.longestWait else { return row }
        if state.distrusted[address] != nil || !isFull { state.distrusted[address] = now + Self.distrust }
        var row = row
        row.redirect(to: unclaimed)
        return row
      }
    }
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
