/// What calls have told since the account's state was last brought up to date. Times are its holder's own.
public struct PaceNews: Hashable, Sendable {
  /// Reserved and not used; negative where too little was reserved.
  var surplus = PaceAmount.zero
  var calls = 0
  var failures = 0
  var overloads = 0
  /// How long the last successful calls took.
  var durations: [Duration] = []
  var fault: AccountFault?
  /// The latest moment until which the provider wants no call, and whether it named one.
  var pausedUntil: Timestamp?
  var isTold = false
  /// It wants no call for longer than anybody waits without asking.
  var isPausedTooLong = false
  var seen: Seen?
  var probe: CircuitBreaker.ProbeEnd?

  /// The latest answer that showed what is left.
  struct Seen: Hashable, Sendable {
    var observation: PaceObservation
    var stamp: PaceStamp
    var sentAt: Timestamp
  }

  /// Enough to know how the provider does.
  private static let mostDurations = 64

  public init() {}

  public var isEmpty: Bool { self == PaceNews() }

  public mutating func add(_ end: CallEnd, of reservation: Reservation, longestPause: Duration, now: Timestamp) {
    if let disposition = end.disposition {
      note(disposition, end, longestPause: longestPause, now: now)
      if let used = end.used { surplus += reservation.amount - used }
    } else {
      // What was not sent takes nothing.
      surplus += reservation.amount
    }
    if let observation = end.observation, !observation.isEmpty {
      seen = Seen(observation: observation, stamp: reservation.stamp, sentAt: reservation.sentAt)
    }
    if reservation.isProbe { probe = Self.probeEnd(end.disposition) }
  }

  private mutating func note(_ disposition: Disposition, _ end: CallEnd, longestPause: Duration, now: Timestamp) {
    calls += 1
    switch disposition {
    case .succeeded:
      if let duration = end.duration, durations.count < Self.mostDurations { durations.append(duration) }
    case .rejected, .notExecuted: break
    case .rateLimited(let after):
      pause(after ?? .zero, isTold: after != nil, longestPause: longestPause, now: now)
      if end.observation.map({ !$0.isUsedUp }) ?? true { overloads += 1 }
    case .retryable(let after):
      failures += 1
      if let after {
        pause(after, isTold: true, longestPause: longestPause, now: now)
        overloads += 1
      }
    case .accountClosed(let fault): self.fault = fault
    }
  }

  private mutating func pause(_ wait: Duration, isTold: Bool, longestPause: Duration, now: Timestamp) {
    if wait > longestPause { isPausedTooLong = true }
    pausedUntil = max(pausedUntil ?? now, now + min(wait, longestPause))
    self.isTold = self.isTold || isTold
  }

  /// Both, this one before the other.
  func merged(with newer: PaceNews) -> PaceNews {
    var both = newer
    both.surplus = surplus + newer.surplus
    both.calls += calls
    both.failures += failures
    both.overloads += overloads
    both.durations = Array((durations + newer.durations).suffix(Self.mostDurations))
    both.fault = newer.fault ?? fault
    both.pausedUntil = [pausedUntil, newer.pausedUntil].compactMap { $0 }.max()
    both.isTold = isTold || newer.isTold
    both.isPausedTooLong = isPausedTooLong || newer.isPausedTooLong
    both.seen = newer.seen ?? seen
    both.probe = newer.probe ?? probe
    return both
  }

  private static func probeEnd(_ disposition: Disposition?) -> CircuitBreaker.ProbeEnd {
    switch disposition {
    case nil, .notExecuted: .unknown
    case .succeeded, .rejected, .rateLimited: .answered
    case .retryable: .failed(.failures)
    case .accountClosed(let fault): .failed(.fault(fault))
    }
  }
}

extension PaceObservation {
  /// Whether a limit by the minute is what stands in the way.
  fileprivate var isUsedUp: Bool {
    let most = PaceResource.allCases.compactMap { self[$0] }
    return most.contains { level in
      guard let remaining = level.remaining else { return false }
      return remaining <= max(0, (level.limit ?? 0) / 50)
    }
  }
}
