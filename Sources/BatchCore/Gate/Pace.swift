/// The gate of one account and model in a process that has the account for itself, or divides it by the number of its
/// peers without talking to them.
///
/// A call reserves before it is sent and is settled after it; what it took stays taken while its outcome is unknown.
/// Pure; time is passed in, and is monotonic.
public struct Pace: Sendable {
  private var book: PaceBook
  public private(set) var inFlight = 0
  private static let holder: Int64 = 0
  /// How soon a full house is looked at again; a place that frees is a reason before.
  private static let fullHouse = Duration.seconds(1)

  public init(now: Timestamp) {
    book = PaceBook(now: now)
  }

  public var breaker: CircuitBreaker { book.breaker }

  /// Asks for a place for one call. `continue` takes the place; give it back with `settle`, whatever comes of the call.
  ///
  /// - Parameter peers: How many processes share the account, this one included.
  public mutating func reserve(
    _ amount: PaceAmount, _ limits: PaceLimits, peers: Int = 1, now: Timestamp
  ) -> GateDecision {
    book.advance(limits, peers: peers, now: now)
    if let pause = book.pause(now) { return .wait(until: now + pause) }
    let most = book.mostInFlight(limits, peers: peers)
    if inFlight >= most {
      book.wantsPlaces(limits, peers: peers, now: now)
      guard inFlight < book.mostInFlight(limits, peers: peers) else { return .wait(until: now + Self.fullHouse) }
    }
    let wait = book.wait(for: amount)
    if wait > .zero { return .wait(until: now + max(wait, .milliseconds(1))) }
    var isProbe = false
    switch book.askBreaker(by: Self.holder, limits, now: now) {
    case .closed: break
    case .probe: isProbe = true
    case .refuse(let cause, let until):
      // How the probe ends is known soon: whoever waits for that is not sent away.
      if case .probing = book.breaker.state { return .wait(until: min(until, now + Self.fullHouse)) }
      return .refuse(GateRefusal(cause, until: until))
    }
    book.take(amount)
    inFlight += 1
    return .continue(Reservation(amount: amount, stamp: book.stamp, sentAt: now, isProbe: isProbe))
  }

  /// Gives a place back.
  public mutating func settle(
    _ reservation: Reservation, _ end: CallEnd, _ limits: PaceLimits, peers: Int = 1, now: Timestamp, random: UInt64
  ) {
    inFlight = max(0, inFlight - 1)
    var news = PaceNews()
    news.add(end, of: reservation, longestPause: limits.longestPause, now: now)
    book.advance(limits, peers: peers, now: now)
    book.learn(news, from: Self.holder, reportedAt: now, limits, peers: peers, now: now, random: random)
  }

  /// How many calls of such an amount a minute allows; nil without a limit.
  public func callsPerMinute(_ amount: PaceAmount, _ limits: PaceLimits, peers: Int = 1) -> Double? {
    amount.timesPerMinute(within: book.inForce(limits)).map { $0 / Double(max(1, peers)) }
  }

  /// Until when nothing may be sent because the breaker is open.
  public func refusal(now: Timestamp) -> GateRefusal? {
    guard case .open(let cause, let until) = book.breaker.state, now < until else { return nil }
    return GateRefusal(cause, until: until)
  }

  /// Whether calls that can wait for no longer than that would pass.
  public func openness(patience: Duration, now: Timestamp) -> GateOpenness {
    if refusal(now: now) != nil || book.pause(now).map({ $0 > patience }) ?? false { return .closed }
    return breaker.state == .closed ? .open : .trying
  }

  /// An operator has seen to it.
  public mutating func closeBreaker() { book.closeBreaker() }

  /// Nothing in it would be missed.
  public var isIdle: Bool { inFlight == 0 && breaker.state == .closed }
}
