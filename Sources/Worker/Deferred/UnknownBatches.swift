import BatchCore
import Threading

/// Batches that this process holds and whose fate it does not know: what the gauges and the alert are made of.
///
/// Bounded by the open batches of the ledger.
final class UnknownBatches: Sendable {
  enum Kind: String, CaseIterable, Sendable {
    /// Its create is not confirmed.
    case unknown
    /// It was made with a key that is not configured, and no other key sees it.
    case unreachable
  }

  struct Entry: Hashable, Sendable {
    var provider: String
    var kind: Kind
    /// On the wall clock.
    var since: Timestamp
  }

  private let entries = Locked([String: Entry]())

  /// Notes the batch, unless it is noted already. Returns whether that is new.
  @discardableResult
  func insert(_ label: String, _ entry: Entry) -> Bool {
    entries.withLock { entries in
      guard entries[label]?.kind != entry.kind else { return false }
      entries[label] = entry
      return true
    }
  }

  func remove(_ label: String) { entries.withLock { $0[label] = nil } }

  var all: [Entry] { entries.withLock { Array($0.values) } }
}
