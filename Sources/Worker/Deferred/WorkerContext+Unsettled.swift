import BatchCore
import Ledger

extension WorkerContext {
  /// All rows of a batch without a result; nil when the process is stopping.
  func unsettledRows(of batch: BatchRecord, _ what: String) async -> [UnsettledRow]? {
    var rows: [UnsettledRow] = []
    while true {
      let from = rows.last?.id
      let page = await retry(what) { () async throws(LedgerError) in
        try await ledger.unsettledRows(batch.id, after: from, limit: 5000)
      }
      guard let page else { return nil }
      rows += page
      if page.isEmpty { return rows }
    }
  }
}
