import BatchCore
import Ledger

extension BatchRecord {
  static let columns = """
    id, state, label, account, lane, provider, model, endpoint, deadline_class, row_count, tokens, body_bytes, \
    model_range_bytes, custom_id_bytes, content_hash, created_at, input_file_id, provider_batch_id, submitted_at, halvings, \
    cancelled_at, price
    """

  init(_ row: PostgresRow) throws {
    let key = WindowKey(
      lane: try row.value(4), provider: try row.text(5), model: try row.text(6), endpoint: try row.value(7),
      deadlineClass: UInt8(clamping: try row.integer(8)))
    self.init(
      id: BatchID(try row.integer(0)), state: try row.value(1), label: try row.text(2), account: try row.text(3),
      key: key, rowCount: try row.int(9), tokens: try row.integer(10), bodyBytes: try row.integer(11),
      modelRangeBytes: try row.integer(12), customIDBytes: try row.integer(13), contentHash: try row.digest(14),
      createdAt: try row.timestamp(15), inputFileID: try row.optionalText(16),
      providerBatchID: try row.optionalText(17), submittedAt: try row.optionalTimestamp(18),
      halvings: try row.int(19), cancelledAt: try row.optionalTimestamp(20),
      price: try row.optionalText(21).flatMap { ModelPrice(text: $0) })
  }
}
