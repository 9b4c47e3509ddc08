import BatchCore
import Ledger
import Logging

/// Records ends of attempts so that one which the ledger cannot keep holds up no other.
///
/// What is refused together is recorded in halves. One that is refused alone is recorded without what came from the
/// provider: its request is answered, and what it cost stays.
struct OutcomeRecorder: Sendable {
  /// What was recorded, which may be less than what was to be, and what the ledger did with each.
  struct Recorded: Sendable {
    var outcomes: [AttemptOutcome] = []
    var results: [RecordedOutcome] = []
  }

  let context: WorkerContext

  /// Returns nil only where `LedgerRetry` does.
  func record(_ what: String, _ outcomes: [AttemptOutcome]) async -> Recorded? {
    if outcomes.isEmpty { return Recorded() }
    let result = await context.retry.unlessRefused(what) { () async throws(LedgerError) in
      try await context.ledger.record(outcomes, at: context.time.now())
    }
    switch result {
    case nil: return nil
    case .success(let results): return Recorded(outcomes: outcomes, results: results)
    case .failure(let error):
      guard outcomes.count > 1 else { return await recordPart(what, of: outcomes[0], error) }
      var recorded = Recorded()
      let middle = outcomes.count / 2
      for half in [outcomes[..<middle], outcomes[middle...]] {
        guard let part = await record(what, Array(half)) else { return nil }
        recorded.outcomes += part.outcomes
        recorded.results += part.results
      }
      return recorded
    }
  }

  private func recordPart(_ what: String, of outcome: AttemptOutcome, _ error: LedgerError) async -> Recorded? {
    context.logger.error(
      "The ledger refuses the end of an attempt, which is recorded without its answer",
      metadata: [
        "operation": "\(what)", "request": "\(outcome.id.rawValue)", "attempt": "\(outcome.attempt)",
        "error": "\(error)",
      ])
    let part = outcome.withoutAnswer
    let result = await context.retry.unlessRefused(what) { () async throws(LedgerError) in
      try await context.ledger.record([part], at: context.time.now())
    }
    switch result {
    case nil: return nil
    case .success(let results): return Recorded(outcomes: [part], results: results)
    case .failure: break
    }
    // Nothing in it is from outside. If that is refused too there is only our own defect to wait for: alone, and slowly.
    let bare = part.bare
    let results = await context.retry(what) { () async throws(LedgerError) in
      try await context.ledger.record([bare], at: context.time.now())
    }
    return results.map { Recorded(outcomes: [bare], results: $0) }
  }
}

extension AttemptOutcome {
  private static let refusal = "the ledger refused to keep what the provider answered; the service's log says why"

  /// Without the answer and its texts. A success is one no more: it was paid, and cannot be given.
  fileprivate var withoutAnswer: AttemptOutcome {
    var outcome = self
    outcome.response = nil
    outcome.verdict =
      switch verdict {
      case .finish(let failure): .finish(Failure(failure?.code ?? .resultMissing, Self.refusal))
      case .again(let limit): .again(limit.withoutText)
      case .requeue(let notBefore, let limit): .requeue(notBefore: notBefore, limit?.withoutText)
      case .park(let notBefore, let limit): .park(notBefore: notBefore, limit?.withoutText)
      }
    return outcome
  }

  /// No more than that it ended.
  fileprivate var bare: AttemptOutcome {
    var failure = Failure(.resultMissing, Self.refusal)
    if case .finish(let known?) = verdict { failure.code = known.code }
    return AttemptOutcome(
      id: id, attempt: attempt, batch: batch, verdict: .finish(failure), costUnknown: true, urgency: urgency)
  }
}

extension AttemptOutcome.Limit {
  fileprivate var withoutText: AttemptOutcome.Limit {
    AttemptOutcome.Limit(
      maximumAttempts: maximumAttempts,
      failure: Failure(failure.code, "the ledger refused to keep what the provider said; the service's log says why"))
  }
}
