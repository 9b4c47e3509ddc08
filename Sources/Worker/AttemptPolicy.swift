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
  func delay(attempt: Int, retryAfter: Duration?, random: UInt64) -> Duration {
    Backoff.delay(
      attempt: attempt, base: backoffBase, cap: maximumRetryAfter, retryAfter: retryAfter,
      maximumRetryAfter: maximumRetryAfter, random: random)
  }

  /// The verdict on a row of a batch.
  func verdict(on result: BatchResult, attempt: Int, at now: Timestamp, random: UInt64) -> AttemptOutcome.Verdict {
    switch result.disposition {
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
    case .notExecuted(.cancelled), .notExecuted(.failed):
      .requeue(notBefore: now, limit(.providerUnavailable, result.message))
    }
  }
}
