import BatchCore
import Ledger
import Threading
import Wire

/// The rows of a batch, streamed from the ledger in its order, so that a batch of any size needs one chunk of memory and
/// one line. Rows that share a line come as one.
final class LedgerRowSource: BatchRowSource {
  private struct Position {
    var last: RequestID?
    /// How many shared lines have begun.
    var begun = 0
    /// The rows of the line that has begun and is not complete.
    var open: EmbeddingMerge?
  }

  private let rows: LedgerRows
  private let position = Locked(Position())
  static let chunkRows = 1000
  static let chunkBytes = 1 << 20

  init(_ rows: LedgerRows) {
    self.rows = rows
  }

  func next() async throws -> [BatchRow]? {
    while true {
      guard rows.mayContinue() else { throw LeaseTooShort() }
      let chunk = try await rows.ledger.batchRows(
        rows.batch.id, after: position.withLock { $0.last }, limit: Self.chunkRows, maximumBytes: Self.chunkBytes)
      guard let last = chunk.last else {
        guard position.withLock({ $0.open == nil }) else { throw OtherRows() }
        return nil
      }
      let made = try position.withLock { position in
        position.last = last.id
        return try chunk.compactMap { try add($0, &position) }
      }
      if !made.isEmpty { return made }
    }
  }

  /// What the row completes.
  private func add(_ row: BatchRowBody, _ position: inout Position) throws -> BatchRow? {
    let shared = rows.lines?.shared ?? []
    if position.open == nil {
      guard position.begun < shared.count, shared[position.begun].first?.id == row.id else {
        return BatchRow(
          customID: CustomID.make(label: rows.batch.label, request: row.id, attempt: row.attempt), body: row.body)
      }
      position.begun += 1
    }
    let members = shared[position.begun - 1]
    guard members[position.open?.count ?? 0].id == row.id, let request = EmbeddingRequest(row.body) else {
      throw OtherRows()
    }
    if let isOfLine = position.open?.add(request) {
      guard isOfLine else { throw OtherRows() }
    } else {
      position.open = EmbeddingMerge(request)
    }
    guard let merge = position.open, merge.count == members.count else { return nil }
    position.open = nil
    let body = merge.body
    let name = CustomID.make(
      label: rows.batch.label, request: members[0].id, attempt: row.attempt, members: members.count)
    return BatchRow(customID: name, body: body)
  }
}

/// The rows of a batch in the ledger.
struct LedgerRows: BatchRows {
  let ledger: any LedgerStore
  let batch: BatchRecord
  /// Nil where each row has a line of its own.
  var lines: BatchLines?
  /// Asked before each chunk. Where the rows travel in the create, what is not written cannot make a batch: no replica
  /// that has lost its lease ends one.
  var mayContinue: @Sendable () -> Bool = { true }

  func source() -> any BatchRowSource { LedgerRowSource(self) }
}

private struct LeaseTooShort: Error, CustomStringConvertible {
  var description: String { "the lease is too short for a create" }
}

private struct OtherRows: Error, CustomStringConvertible {
  var description: String { "the rows are not those that the batch's lines were made of" }
}
