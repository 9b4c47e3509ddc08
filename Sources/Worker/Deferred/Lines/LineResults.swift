import BatchCore
import Ledger
import Wire

/// Finds out whose the results of a batch's lines are.
struct LineResults {
  /// What a result says of one request.
  struct Row {
    var id: RequestID
    var attempt: Int
    var result: BatchResult
    /// Whether it tells nothing of this request: a line that it shared with others did not bring its answer.
    var isOfLine = false
    /// The name of the line that it was to share, whose answer cannot be split.
    var misfit: String?
    /// Whether it was billed, and does not say for how many tokens.
    var wasPaidUnseen: Bool
  }

  private let label: String
  private let shared: [RequestID: [BatchLines.Member]]

  /// - Parameter lines: Nil where each row has a line of its own.
  init(_ batch: BatchRecord, _ lines: BatchLines?) {
    label = batch.label
    shared = Dictionary(
      (lines?.shared ?? []).compactMap { members in members.first.map { ($0.id, members) } },
      uniquingKeysWith: { first, _ in first })
  }

  /// Nil where the result names no line of the batch.
  func rows(of result: BatchResult) -> [Row]? {
    guard let name = CustomID.parse(result.customID, label: label) else { return nil }
    if name.members == 1 {
      return [Row(id: name.request, attempt: name.attempt, result: result, wasPaidUnseen: result.wasPaidUnseen)]
    }
    guard name.attempt == 1, let members = shared[name.request], members.count == name.members else { return nil }
    return split(result, members)
  }

  private func split(_ result: BatchResult, _ members: [BatchLines.Member]) -> [Row] {
    let weights = members.map(\.tokens)
    let usages = result.usage?.shares(by: weights)
    var answers: [[UInt8]]?
    if result.disposition == .succeeded, let response = result.response {
      let inputs = members.map(\.inputs)
      answers = EmbeddingAnswer(response.body, inputs: inputs.reduce(0, +))?.split(inputs, weights: weights)
    }
    return members.enumerated().map { index, member in
      var part = result
      part.customID = CustomID.make(label: label, request: member.id, attempt: 1)
      part.usage = usages?[index]
      if let answers {
        part.response?.body = answers[index]
        return Row(id: member.id, attempt: 1, result: part, wasPaidUnseen: result.wasPaidUnseen)
      }
      if result.isPaidWithoutAnswer {
        return Row(id: member.id, attempt: 1, result: part, wasPaidUnseen: result.wasPaidUnseen)
      }
      let isMisfit = part.disposition == .succeeded
      if isMisfit {
        part.disposition = .retryable(retryAfter: nil)
        part.message = "the provider's answer does not fit the inputs of its request"
      }
      part.response = nil
      return Row(
        id: member.id, attempt: 1, result: part, isOfLine: true, misfit: isMisfit ? result.customID : nil,
        wasPaidUnseen: result.wasPaidUnseen)
    }
  }
}

extension BatchResult {
  /// Whether it ran and brought nothing: asked for again, it would be paid again.
  fileprivate var isPaidWithoutAnswer: Bool {
    guard disposition == .succeeded || disposition == .rejected else { return false }
    guard let response else { return disposition == .succeeded }
    return (200..<300).contains(response.statusCode) && response.body.isEmpty
  }

  fileprivate var wasPaidUnseen: Bool {
    guard usage == nil else { return false }
    return disposition == .succeeded || response.map { (200..<300).contains($0.statusCode) && $0.body.isEmpty } ?? false
  }
}
