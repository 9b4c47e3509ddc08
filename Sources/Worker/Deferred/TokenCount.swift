import BatchCore
import Ledger

/// Input tokens that a provider reports of a batch's rows, to be compared with what was estimated of the same rows.
struct TokenCount {
  /// Of rows without a result so far: each is counted once, however often the results are read.
  private var estimates: [RequestID: Int64]
  private var rows = 0
  private var tokens: Int64 = 0
  private var estimated: Int64 = 0

  init(_ rows: [UnsettledRow]) {
    estimates = Dictionary(rows.map { ($0.id, $0.tokens) }, uniquingKeysWith: { first, _ in first })
  }

  mutating func add(_ usage: Usage?, of row: RequestID) {
    guard let usage, usage.inputTokens > 0, let estimate = estimates.removeValue(forKey: row) else { return }
    rows += 1
    tokens = tokens.addingReportingOverflow(usage.inputTokens).partialValue
    estimated = estimated.addingReportingOverflow(estimate).partialValue
  }

  /// Nil where too few rows tell.
  func lesson(of batch: BatchRecord) -> BatchLesson? {
    guard rows > 0, rows >= batch.rowCount / 2, tokens > 0, estimated > 0 else { return nil }
    return .measured(reported: tokens, estimated: estimated)
  }
}
