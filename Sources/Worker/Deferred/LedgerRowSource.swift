import BatchCore
import Ledger
import Threading

/// The rows of a batch, streamed from the ledger in id order, so that a batch of any size needs one chunk of memory.
final class LedgerRowSource: BatchRowSource {
  private let ledger: any LedgerStore
  private let batch: BatchRecord
  private let position = Locked<RequestID?>(nil)
  private static let chunkRows = 1000
  private static let chunkBytes = 1 << 20

  init(ledger: any LedgerStore, batch: BatchRecord) {
    self.ledger = ledger
    self.batch = batch
  }

  func next() async throws -> [BatchRow]? {
    let rows = try await ledger.batchRows(
      batch.id, after: position.withLock { $0 }, limit: Self.chunkRows, maximumBytes: Self.chunkBytes)
    guard let last = rows.last else { return nil }
    position.withLock { $0 = last.id }
    return rows.map {
      BatchRow(customID: CustomID.make(label: batch.label, request: $0.id, attempt: $0.attempt), body: $0.body)
    }
  }
}
