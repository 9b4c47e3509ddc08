import Ledger

/// Batches that are to be brought to their end, and how many of them have not reached their provider yet.
///
/// Bounded by the open batches of the ledger.
final class BatchInbox: Sendable {
  private let mailbox = Mailbox<BatchRecord>()
  /// Entered when a batch is sent here, to be left when its submission ends.
  let submitting = Latch()

  func send(_ batch: BatchRecord) {
    submitting.enter()
    mailbox.send(batch)
  }

  func next() async -> [BatchRecord]? { await mailbox.next() }

  func close() { mailbox.close() }
}
