import BatchCore
import Ledger

extension WorkerContext {
  /// All rows of a batch without a result, a page at a time. Returns false when the process is stopping.
  func forUnsettledRows(of batch: BatchRecord, _ what: String, _ body: ([UnsettledRow]) -> Void) async -> Bool {
    var last: RequestID?
    while true {
      let from = last
      let page = await retry(what) { () async throws(LedgerError) in
        try await ledger.unsettledRows(batch.id, after: from, limit: 5000)
      }
      guard let page else { return false }
      guard let end = page.last else { return true }
      body(page)
      last = end.id
    }
  }

  /// All rows of a batch without a result; nil when the process is stopping.
  func unsettledRows(of batch: BatchRecord, _ what: String) async -> [UnsettledRow]? {
    var rows: [UnsettledRow] = []
    return await forUnsettledRows(of: batch, what) { rows += $0 } ? rows : nil
  }
}
