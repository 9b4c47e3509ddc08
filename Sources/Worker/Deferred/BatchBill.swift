import BatchCore

/// What the rows of a batch used, to be compared with what the provider reports for the whole of it.
struct BatchBill: Sendable, Hashable {
  private(set) var inputTokens: Int64 = 0
  private(set) var outputTokens: Int64 = 0

  mutating func add(_ usage: Usage?) {
    guard let usage else { return }
    inputTokens = inputTokens.addingReportingOverflow(usage.inputTokens).partialValue
    outputTokens = outputTokens.addingReportingOverflow(usage.outputTokens).partialValue
  }

  /// What does not agree, in one line with both figures; nil where all does, or the provider reports nothing.
  func difference(from reported: Usage?) -> String? {
    guard let reported, reported.inputTokens != inputTokens || reported.outputTokens != outputTokens else { return nil }
    // A provider that does not count yet reports zeros.
    if reported.inputTokens == 0, reported.outputTokens == 0 { return nil }
    return
      "the provider reports \(reported.inputTokens) input and \(reported.outputTokens) output tokens for the batch,"
      + " its rows \(inputTokens) and \(outputTokens)"
  }
}
