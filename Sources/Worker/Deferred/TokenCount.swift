import BatchCore
import Ledger

/// Input tokens that a provider reports of a batch's rows, to be compared with what was estimated.
struct TokenCount {
  private var rows = 0
  private var tokens: Int64 = 0

  mutating func add(_ usage: Usage?) {
    guard let usage, usage.inputTokens > 0 else { return }
    rows += 1
    tokens = tokens.addingReportingOverflow(usage.inputTokens).partialValue
  }

  /// Nil where too few rows tell.
  func lesson(of batch: BatchRecord) -> BatchLesson? {
    guard rows > 0, rows >= batch.rowCount / 2, rows <= batch.rowCount, tokens > 0, batch.rowCount > 0 else {
      return nil
    }
    let estimated = Double(batch.tokens) / Double(batch.rowCount) * Double(rows)
    guard estimated >= 1, estimated < 1e15 else { return nil }
    return .measured(reported: tokens, estimated: Int64(estimated))
  }
}
