public import BatchCore
public import Ledger

/// What stands against an operator's decision about a batch whose fate is unknown.
public struct BatchObjections: Sendable {
  private let problems: BatchProblems

  public init(_ problems: BatchProblems) { self.problems = problems }

  /// One line that says why the decision cannot be carried out; nil if nothing stands against it.
  ///
  /// Where the batch is to be submitted again its input file is deleted here: a create that is on its way still then finds
  /// no file, so that the batch cannot be there twice.
  public func objection(
    to resolution: BatchResolution, about batch: BatchRecord, at now: Timestamp
  ) async -> String? {
    let problem = await problems.all(of: [batch], at: now)[batch.label]
    switch (batch.state, problem?.word) {
    case (.creating, .unknown): break
    case (.creating, _):
      let limit = max(1, problems.createLimit.wholeMilliseconds / 1000)
      return "batch \(batch.label) is not unknown: its create is under way, and is looked for if it is not confirmed "
        + "\(limit) s after it began; ask again then"
    case (.submitted, .unreachable):
      if case .adopt = resolution {
        return "batch \(batch.label) has its provider's id already; resubmit it or give it up"
      }
      return nil
    case (.planned, _), (.submitted, _), (.settled, _), (.abandoned, _):
      return "batch \(batch.label) is not unknown but \(batch.state.word): nothing is to be decided about it"
    }
    switch resolution {
    case .adopt(let id): return await objection(toAdopting: id, as: batch)
    case .resubmit: return await objection(toSendingAgain: batch)
    case .giveUp: return nil
    }
  }

  private func provider(of batch: BatchRecord) -> (any Provider)? {
    problems.providers.first { $0.name == batch.key.provider }
  }

  /// An id that the provider does not know would have the batch waited for in vain.
  private func objection(toAdopting id: String, as batch: BatchRecord) async -> String? {
    var last: ProviderError?
    for holder in provider(of: batch)?.holders(of: batch) ?? [] {
      do throws(ProviderError) {
        _ = try await holder.retrieve(id)
        return nil
      } catch {
        last = error
      }
    }
    return last.map { "the batch \(id) cannot be adopted: \($0.message)" }
  }

  /// Without a key that reaches the file there is nothing to insist on: then the operator's word is all there is.
  private func objection(toSendingAgain batch: BatchRecord) async -> String? {
    guard let file = batch.inputFileID, let provider = provider(of: batch), provider.capabilities.fencedByInputFile
    else { return nil }
    var last: ProviderError?
    for holder in provider.holders(of: batch) {
      do throws(ProviderError) {
        try await holder.deleteFile(file)
        return nil
      } catch {
        if error.reason != .notFound { last = error }
      }
    }
    return last.map {
      "batch \(batch.label) cannot be submitted again while a late create might find its input file \(file), which "
        + "\(provider.name) does not delete: \($0.message); try again, or adopt it or give it up"
    }
  }
}

extension BatchRecord.State {
  /// What an operator reads.
  public var word: String {
    switch self {
    case .planned: "planned"
    case .creating: "creating"
    case .submitted: "submitted"
    case .settled: "settled"
    case .abandoned: "abandoned"
    }
  }
}
