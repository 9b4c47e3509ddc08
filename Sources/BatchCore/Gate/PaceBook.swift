/// What is known of the pace of one account and model: what is left of its limits, how many calls may be in flight, until
/// when it is paused, and whether its breaker is open.
///
/// One process keeps it for itself, or all replicas share it through their ledger; then its times are the ledger's.
public struct PaceBook: Hashable, Sendable, Codable {
  private var buckets: [PaceResource: RateBucket] = [:]
  /// Limits that the provider names.
  private var told: [PaceResource: Double] = [:]
  private var concurrency: ConcurrencyWindow
  private var pausedUntil: Timestamp?
  private var pauses = 0
  public private(set) var breaker = CircuitBreaker()
  /// What each replica holds.
  var shares: [Int64: PaceShare] = [:]

  public init(now: Timestamp) {
    concurrency = ConcurrencyWindow(now: now)
  }

  /// Brings it to the present.
  mutating func advance(_ limits: PaceLimits, peers: Int, now: Timestamp) {
    for resource in PaceResource.allCases {
      guard let limit = limit(of: resource, limits) else { continue }
      let share = limit / Double(max(1, peers))
      if buckets[resource] == nil {
        buckets[resource] = RateBucket(perMinute: share, now: now)
      } else {
        buckets[resource]?.set(perMinute: share)
      }
    }
    for resource in buckets.keys { buckets[resource]?.refill(now) }
    if let until = pausedUntil {
      if now >= until { pausedUntil = nil }
      // A clock that was set back must not stretch a pause.
      if until - now > limits.longestPause { pausedUntil = now + limits.longestPause }
    }
  }

  func pause(_ now: Timestamp) -> Duration? { pausedUntil.map { max(.zero, $0 - now) } }

  func mostInFlight(_ limits: PaceLimits, peers: Int) -> Int {
    concurrency.limit(atMost: max(1, limits.concurrency / max(1, peers)))
  }

  /// Calls wait for a place.
  mutating func wantsPlaces(_ limits: PaceLimits, peers: Int, now: Timestamp) {
    concurrency.wanted(ceiling: max(1, limits.concurrency / max(1, peers)), now: now)
  }

  var stamp: PaceStamp { PaceStamp { buckets[$0]?.taken ?? 0 } }

  /// How long until the amount may be taken; zero for now.
  func wait(for amount: PaceAmount) -> Duration {
    buckets.reduce(.zero) { max($0, $1.value.wait(for: amount[$1.key])) }
  }

  func holds(_ amount: PaceAmount) -> Bool { buckets.allSatisfy { $0.value.holds(amount[$0.key]) } }

  /// How many times the amount is there, as a number of 0 or more; nil without limits.
  func multiples(of amount: PaceAmount) -> Double? {
    buckets.compactMap { resource, bucket in
      let one = amount[resource]
      return one > 0 ? max(0, bucket.available) / one : nil
    }.min()
  }

  mutating func take(_ amount: PaceAmount) {
    for resource in buckets.keys { buckets[resource]?.take(amount[resource]) }
  }

  mutating func giveBack(_ amount: PaceAmount) {
    for resource in buckets.keys { buckets[resource]?.giveBack(amount[resource]) }
  }

  mutating func askBreaker(by holder: Int64, _ limits: PaceLimits, now: Timestamp) -> CircuitBreaker.Verdict {
    breaker.ask(by: holder, limits.breaker, now: now)
  }

  public mutating func closeBreaker() {
    breaker.close()
    pausedUntil = nil
  }

  /// Takes in what a holder's calls have told.
  ///
  /// - Parameters:
  ///   - reportedAt: now by the clock of the news.
  mutating func learn(
    _ news: PaceNews, from holder: Int64, reportedAt: Timestamp, _ limits: PaceLimits, peers: Int, now: Timestamp,
    random: UInt64
  ) {
    giveBack(news.surplus)
    if let seen = news.seen {
      observe(seen.observation, seen.stamp, age: reportedAt - seen.sentAt, limits, peers: peers, now: now)
    }
    let ceiling = max(1, limits.concurrency / max(1, peers))
    for duration in news.durations { concurrency.succeeded(after: duration, ceiling: ceiling, now: now) }
    if news.overloads > 0 || news.failures > 0 && news.failures * 2 >= news.calls { concurrency.overloaded(now: now) }
    if let until = news.pausedUntil {
      pause(for: news.isTold ? max(.zero, until - reportedAt) : nil, limits, now: now, random: random)
    } else if news.calls > news.failures {
      pauses = 0
    }
    if let probe = news.probe {
      breaker.probeEnded(probe, by: holder, limits.breaker, now: now)
      // What was cut while it failed says nothing about how much it takes when it is back.
      if breaker.state == .closed { concurrency = ConcurrencyWindow(now: now) }
    }
    breaker.record(calls: news.calls, failures: news.failures, limits.breaker, now: now)
    if let fault = news.fault { breaker.fault(.fault(fault), limits.breaker, now: now) }
    if news.isPausedTooLong { breaker.fault(.askedTooLong, limits.breaker, now: now) }
  }

  private mutating func observe(
    _ observation: PaceObservation, _ stamp: PaceStamp, age: Duration, _ limits: PaceLimits, peers: Int, now: Timestamp
  ) {
    for resource in PaceResource.allCases {
      if let limit = observation[resource]?.limit, limit > 0 { told[resource] = Double(limit) }
    }
    advance(limits, peers: peers, now: now)
    for resource in PaceResource.allCases {
      guard let remaining = observation[resource]?.remaining else { continue }
      let unsent = shares.values.reduce(0) { $0 + $1.unsent[resource] }
      let isOwn = told[resource].map { $0 <= limit(of: resource, limits) ?? $0 } ?? false
      buckets[resource]?.observe(
        remaining: Double(remaining), stamp: stamp[resource], age: age, unsent: unsent,
        peers: Double(max(1, peers)), mayRaise: isOwn)
    }
  }

  /// Limits a minute of the whole account, configured or told, whichever is lower.
  func inForce(_ limits: PaceLimits) -> [PaceResource: Double] {
    var inForce: [PaceResource: Double] = [:]
    for resource in PaceResource.allCases { inForce[resource] = limit(of: resource, limits) }
    return inForce
  }

  private func limit(of resource: PaceResource, _ limits: PaceLimits) -> Double? {
    [limits.perMinute[resource].map(Double.init), told[resource]].compactMap { $0 }.min()
  }

  /// Of many calls in flight that are all told to slow down, only the first doubles the pause.
  private mutating func pause(for told: Duration?, _ limits: PaceLimits, now: Timestamp, random: UInt64) {
    if told == nil {
      for resource in buckets.keys { buckets[resource]?.exhaust() }
      if pausedUntil != nil { return }
      pauses = min(pauses + 1, 62)
    }
    let pause = Backoff.delay(
      attempt: max(1, pauses), base: limits.firstPause, cap: limits.longestPause, retryAfter: told,
      maximumRetryAfter: limits.longestPause, random: random)
    pausedUntil = max(pausedUntil ?? now, now + pause)
  }
}
