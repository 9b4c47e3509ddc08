import BatchCore

/// When a submitted batch is looked at again, and when it counts as lost. Pure; time is monotonic and passed in.
struct BatchPoll: Sendable {
  let interval: Duration
  let since: Timestamp
  private(set) var failures = 0
  private var missingSince: Timestamp?
  private var missing = 0
  private var retryAfter: Duration?
  /// Whatever the provider asks for.
  private static let longestWait = Duration.seconds(3600)

  init(interval: Duration, since: Timestamp) {
    self.interval = interval
    self.since = since
  }

  func delay(at now: Timestamp) -> Duration {
    let regular = PollSchedule(first: interval).interval(age: now - since)
    guard failures > 0 else { return regular }
    let backoff = min(.seconds(60), interval * (1 << min(failures, 6)))
    return max(regular, max(backoff, min(Self.longestWait, retryAfter ?? .zero)))
  }

  mutating func answered() {
    failures = 0
    missing = 0
    missingSince = nil
    retryAfter = nil
  }

  /// Returns whether the batch is lost: not found in five tries over at least an hour.
  mutating func failed(_ error: ProviderError, at now: Timestamp) -> Bool {
    failures += 1
    switch error.reason {
    case .notFound:
      missing += 1
      let first = missingSince ?? now
      missingSince = first
      return missing >= 5 && now - first >= .seconds(3600)
    case .rateLimited(let after), .unavailable(let after): retryAfter = after
    case .rejected, .accountClosed, .invalidResponse, .cancelled: break
    }
    return false
  }
}
