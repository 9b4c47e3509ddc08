import BatchCore
import Ledger

/// Input tokens that a provider reports of a batch's rows, to be compared with what was estimated of the same rows.
struct TokenCount {
  /// Of rows without a result so far: each is counted once, however often the results are read.
  private var estimates: [RequestID: Int64] = [:]
  /// As many as there were.
  private var wanted = 0
  private var rows = 0
  private var tokens: Int64 = 0
  private var estimated: Int64 = 0

  /// Before the first result is read.
  mutating func expect(_ rows: [UnsettledRow]) {
    for row in rows { estimates[row.id] = row.tokens }
    wanted = estimates.count
  }

  mutating func add(_ usage: Usage?, of row: RequestID) {
    guard let usage, usage.inputTokens > 0, let estimate = estimates.removeValue(forKey: row) else { return }
    rows += 1
    tokens = tokens.addingReportingOverflow(usage.inputTokens).partialValue
    estimated = estimated.addingReportingOverflow(estimate).partialValue
  }

  /// Once, when enough rows have told; nil where too few have.
  mutating func takeLesson() -> BatchLesson? {
    guard rows > 0, rows >= wanted / 2, tokens > 0, estimated > 0 else { return nil }
    defer { (estimates, rows) = ([:], 0) }
    return .measured(reported: tokens, estimated: estimated)
  }
}
