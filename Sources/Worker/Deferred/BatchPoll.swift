import BatchCore

/// When a submitted batch is looked at again, and when it counts as lost. Pure; time is monotonic and passed in.
struct BatchPoll: Sendable {
  let interval: Duration
  private(set) var since: Timestamp
  private(set) var failures = 0
  private var missingSince: Timestamp?
  private var missing = 0

  init(interval: Duration, since: Timestamp) {
    self.interval = interval
    self.since = since
  }

  func delay(at now: Timestamp) -> Duration {
    let regular = PollSchedule(first: interval).interval(age: now - since)
    guard failures > 0 else { return regular }
    let backoff = min(.seconds(60), interval * (1 << min(failures, 6)))
    // A pause that the provider asks for is a hold of its own.
    return max(regular, backoff)
  }

  /// Looks often again, as at a batch that was made now.
  mutating func restart(at now: Timestamp) { since = now }

  mutating func answered() {
    failures = 0
    missing = 0
    missingSince = nil
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
    case .rejected, .rateLimited, .accountClosed, .noBatches, .storageFull, .unavailable, .invalidResponse, .cancelled:
      break
    }
    return false
  }
}
