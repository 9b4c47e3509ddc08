import BatchCore
import Ledger

/// What follows from the end of an attempt: pure, with time and chance passed in.
struct AttemptPolicy: Sendable {
  var maximumAttempts: Int
  var backoffBase: Duration
  var maximumRetryAfter: Duration

  /// A success without an answer: it was paid and is not asked for again.
  static let emptyAnswer = Failure(.resultMissing, "the provider reports a success without an answer")

  /// What the request is answered when this was its last attempt.
  func limit(_ code: FailureCode, _ message: String) -> AttemptOutcome.Limit {
    AttemptOutcome.Limit(maximumAttempts: maximumAttempts, failure: Failure(code, message))
  }

  /// Full jitter, but never sooner than the provider asked for.
  ///
  /// - Parameter left: What is left until the request's deadline: a wait of our own choice is at most half of it.
  func delay(attempt: Int, retryAfter: Duration?, random: UInt64, left: Duration? = nil) -> Duration {
    let cap = left.map { min(maximumRetryAfter, max(.zero, $0 / 2)) } ?? maximumRetryAfter
    return Backoff.delay(
      attempt: attempt, base: backoffBase, cap: cap, retryAfter: retryAfter,
      maximumRetryAfter: maximumRetryAfter, random: random)
  }

  /// The verdict on a row of a batch.
  ///
  /// - Parameters:
  ///   - isOfLine: Whether it is that of a line which several requests shared: its failure is not theirs. Each is tried
  ///     alone, and the attempt does not count.
  ///   - isCancelled: Whether we have cancelled the batch: what it did not run says nothing about the request.
  func verdict(
    on result: BatchResult, attempt: Int, isOfLine: Bool = false, isCancelled: Bool = false, at now: Timestamp,
    random: UInt64
  ) -> AttemptOutcome.Verdict {
    switch result.disposition {
    case .succeeded where isOfLine, .rejected where isOfLine: return .requeue(notBefore: now, nil)
    case .rateLimited(let retryAfter) where isOfLine, .retryable(let retryAfter) where isOfLine:
      return .requeue(notBefore: now + delay(attempt: attempt, retryAfter: retryAfter, random: random), nil)
    default: break
    }
    return switch result.disposition {
    case .succeeded:
      .finish(result.response == nil ? Self.emptyAnswer : nil)
    case .rejected:
      .finish(Failure(.providerRejected, result.message))
    case .rateLimited(let retryAfter), .retryable(let retryAfter):
      .requeue(
        notBefore: now + delay(attempt: attempt, retryAfter: retryAfter, random: random),
        limit(.providerUnavailable, result.message))
    case .accountClosed:
      // Says nothing about the request: it waits until the account is open again.
      .requeue(notBefore: now + .seconds(30), nil)
    case .notExecuted(.expired):
      .requeue(notBefore: now, limit(.batchExpired, result.message))
    case .notExecuted(.cancelled) where isCancelled: .requeue(notBefore: now, nil)
    case .notExecuted(.cancelled), .notExecuted(.failed):
      .requeue(notBefore: now, limit(.providerUnavailable, result.message))
    }
  }
}
