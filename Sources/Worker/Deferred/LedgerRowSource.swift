import BatchCore
import Ledger
import Threading

/// The rows of a batch, streamed from the ledger in its order, so that a batch of any size needs one chunk of memory.
final class LedgerRowSource: BatchRowSource {
  private let rows: LedgerRows
  private let position = Locked<RequestID?>(nil)
  private static let chunkRows = 1000
  private static let chunkBytes = 1 << 20

  init(_ rows: LedgerRows) {
    self.rows = rows
  }

  func next() async throws -> [BatchRow]? {
    guard rows.mayContinue() else { throw LeaseTooShort() }
    let batch = rows.batch
    let chunk = try await rows.ledger.batchRows(
      batch.id, after: position.withLock { $0 }, limit: Self.chunkRows, maximumBytes: Self.chunkBytes)
    guard let last = chunk.last else { return nil }
    position.withLock { $0 = last.id }
    return chunk.map {
      BatchRow(customID: CustomID.make(label: batch.label, request: $0.id, attempt: $0.attempt), body: $0.body)
    }
  }
}

/// The rows of a batch in the ledger.
struct LedgerRows: BatchRows {
  let ledger: any LedgerStore
  let batch: BatchRecord
  /// Asked before each chunk. Where the rows travel in the create, what is not written cannot make a batch: no replica
  /// that has lost its lease ends one.
  var mayContinue: @Sendable () -> Bool = { true }

  func source() -> any BatchRowSource { LedgerRowSource(self) }
}

private struct LeaseTooShort: Error, CustomStringConvertible {
  var description: String { "the lease is too short for a create" }
}
