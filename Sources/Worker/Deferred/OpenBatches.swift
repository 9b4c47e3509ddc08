import BatchCore
import Ledger
import Threading

/// Submitted batches with deadlines in them that this process follows.
///
/// Bounded by the open batches of the ledger.
final class OpenBatches: Sendable {
  struct Entry: Sendable {
    var batch: BatchRecord
    var provider: any Provider
    /// The earliest deadline in it that it could still be rescued for; nil while nobody has looked.
    var earliest: Timestamp?
    /// Whether it has no such deadline.
    var isDone = false
    /// The share of its rows that has run, as the provider says.
    var share = 0.0
    /// The provider has refused to cancel it.
    var isCancelRefused = false
    /// Before then nothing is tried again for what could not be saved.
    var notBefore: Timestamp?
    /// Whether it was said that some of it cannot be saved.
    var isReported = false
    /// Raised when there is something to do for whoever follows it.
    var wanted = Signal()
  }

  private let entries = Locked([BatchID: Entry]())
  /// Raised when a batch comes or goes.
  let changed = Signal()

  /// Returns the signal that there is something to do.
  func enter(_ batch: BatchRecord, at provider: any Provider) -> Signal {
    let entry = Entry(batch: batch, provider: provider)
    // One without deadlines is followed only.
    guard batch.key.deadlineClass != 0 else { return entry.wanted }
    entries.withLock { $0[batch.id] = entry }
    changed.raise()
    return entry.wanted
  }

  func leave(_ batch: BatchID) {
    if entries.withLock({ $0.removeValue(forKey: batch) }) != nil { changed.raise() }
  }

  var all: [Entry] { entries.withLock { Array($0.values) } }

  func saw(_ snapshot: BatchSnapshot, of batch: BatchID) {
    guard let counts = snapshot.counts, counts.total > 0 else { return }
    let share = Double(counts.completed) / Double(counts.total)
    entries.withLock { $0[batch]?.share = share }
  }

  /// - Parameter earliest: nil where none is left.
  func set(earliest: Timestamp?, of batch: BatchID) {
    entries.withLock { entries in
      entries[batch]?.earliest = earliest
      entries[batch]?.isDone = earliest == nil
    }
  }

  /// The ledger knows that it is to be cancelled.
  func cancel(_ batch: BatchID, at now: Timestamp) {
    let wanted = entries.withLock { entries -> Signal? in
      entries[batch]?.batch.cancelledAt = now
      return entries[batch]?.wanted
    }
    wanted?.raise()
  }

  /// It runs on although a cancel was sent: its requests may be saved another way.
  func cancelWasRefused(_ batch: BatchID) {
    let isNews = entries.withLock { entries -> Bool in
      guard let entry = entries[batch], !entry.isCancelRefused else { return false }
      entries[batch]?.isCancelRefused = true
      return true
    }
    if isNews { changed.raise() }
  }

  /// Some of it cannot be saved now. Returns whether that was not said before.
  func postpone(_ batch: BatchID, until: Timestamp) -> Bool {
    entries.withLock { entries in
      guard let entry = entries[batch] else { return false }
      entries[batch]?.notBefore = until
      entries[batch]?.isReported = true
      return !entry.isReported
    }
  }

  /// When it was decided that the batch be cancelled.
  func cancelledAt(_ batch: BatchRecord) -> Timestamp? {
    batch.cancelledAt ?? entries.withLock { $0[batch.id]?.batch.cancelledAt }
  }
}
