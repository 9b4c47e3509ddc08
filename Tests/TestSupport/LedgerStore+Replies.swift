import BatchCore
public import Ledger

extension LedgerStore {
  /// Of both parts of the outbox, urgent ones first.
  public func takeReplies(limit: Int, maximumBytes: Int) async throws(LedgerError) -> [PendingReply] {
    let urgent = try await takeReplies(.urgent, limit: limit, maximumBytes: maximumBytes)
    if urgent.count >= limit { return urgent }
    let bytes = urgent.reduce(0) { $0 + ($1.response?.body.count ?? 0) }
    if bytes >= maximumBytes { return urgent }
    return urgent + (try await takeReplies(.bulk, limit: limit - urgent.count, maximumBytes: maximumBytes - bytes))
  }
}
