import BatchCore
import Ledger

extension BatchRecord {
  static let columns = """
    id, state, label, account, lane, provider, model, endpoint, deadline_class, row_count, tokens, body_bytes, \
    model_range_bytes, custom_id_bytes, content_hash, created_at, input_file_id, provider_batch_id, submitted_at, halvings, \
    cancelled_at, price
    """

  init(_ row: Statement) throws {
    let key = WindowKey(
      lane: try row.value(4), provider: row.text(5), model: row.text(6), endpoint: try row.value(7),
      deadlineClass: UInt8(clamping: row.integer(8)))
    self.init(
      id: BatchID(row.integer(0)), state: try row.value(1), label: row.text(2), account: row.text(3), key: key,
      rowCount: row.int(9), tokens: row.integer(10), bodyBytes: row.integer(11), modelRangeBytes: row.integer(12),
      customIDBytes: row.integer(13), contentHash: try row.digest(14), createdAt: row.timestamp(15),
      inputFileID: row.optionalText(16), providerBatchID: row.optionalText(17), submittedAt: row.optionalTimestamp(18),
      halvings: row.int(19), cancelledAt: row.optionalTimestamp(20),
      price: row.optionalText(21).flatMap { ModelPrice(text: $0) })
  }
}
