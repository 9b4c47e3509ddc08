/// How fast calls may go: a first, simple gate for each account and model.
///
/// It bounds the calls in flight, holds back what a provider asked to hold back, and lets nothing through to an account
/// that is closed but one call at a time that tries it.
/// ```
///            call: account closed               probeAt                    probe: account closed, or no answer
///   open -------------------------> closed -------------> probing ----------------------------------> closed
///    ^___________________________________________________________|                                    (twice as long)
///                              any answer of the account
/// ```
public struct Pace: Sendable {
  public struct Limits: Hashable, Sendable {
    /// Calls in flight for each account and model.
    public var concurrency: Int
    /// The first pause after being told to slow down without being told for how long; doubles every time.
    public var firstPause: Duration
    /// The longest pause, whatever the provider asks for.
    public var longestPause: Duration
    /// How long an account stays closed before it is tried; doubles with every try, up to `longestPause`.
    public var firstProbe: Duration

    public init(
      concurrency: Int, firstPause: Duration = .seconds(1), longestPause: Duration = .seconds(3600),
      firstProbe: Duration = .seconds(30)
    ) {
      self.concurrency = concurrency
      self.firstPause = firstPause
      self.longestPause = longestPause
      self.firstProbe = firstProbe
    }
  }

  private struct Key: Hashable {
    var account: String
    var model: String
  }

  private struct Lane {
    var inFlight = 0
    var blockedUntil: Timestamp?
    var pauses = 0
  }

  private struct Closure {
    var fault: AccountFault
    var probeAt: Timestamp
    var tries: Int
    var isProbing = false
  }

  private let limits: Limits
  private var lanes: [Key: Lane] = [:]
  private var closures: [String: Closure] = [:]

  public init(_ limits: Limits) {
    self.limits = limits
  }

  public func inFlight(account: String, model: String) -> Int {
    lanes[Key(account: account, model: model)]?.inFlight ?? 0
  }

  /// Asks for a place for one call. `continue` takes the place; give it back with `settle`, whatever comes of the call.
  public mutating func reserve(account: String, model: String, now: Timestamp) -> GateDecision {
    let key = Key(account: account, model: model)
    var lane = lanes[key] ?? Lane()
    if var blockedUntil = lane.blockedUntil, now < blockedUntil {
      // A clock that was set back must not stretch a pause.
      blockedUntil = min(blockedUntil, now + limits.longestPause)
      lanes[key]?.blockedUntil = blockedUntil
      return .wait(until: blockedUntil)
    }
    if lane.inFlight >= max(1, limits.concurrency) { return .wait(until: now + .seconds(1)) }
    if var closure = closures[account] {
      closure.probeAt = min(closure.probeAt, now + limits.longestPause)
      guard now >= closure.probeAt, !closure.isProbing else {
        closures[account] = closure
        let probeAt = closure.isProbing ? now + limits.firstProbe : closure.probeAt
        return .refuse(.accountClosed(closure.fault, probeAt: probeAt))
      }
      closure.isProbing = true
      closures[account] = closure
    }
    lane.inFlight += 1
    lanes[key] = lane
    return .continue
  }

  /// Gives a place back.
  /// - Parameter disposition: what became of the call; `nil` if it was not made.
  public mutating func settle(
    account: String, model: String, _ disposition: Disposition?, now: Timestamp, random: UInt64
  ) {
    let key = Key(account: account, model: model)
    var lane = lanes[key] ?? Lane()
    lane.inFlight = max(0, lane.inFlight - 1)
    switch disposition {
    case .succeeded, .rejected:
      lane.pauses = 0
      closures[account] = nil
    case .rateLimited(let retryAfter):
      block(&lane, retryAfter: retryAfter, now: now, random: random)
      closures[account] = nil
    case .retryable(let retryAfter):
      if retryAfter != nil { block(&lane, retryAfter: retryAfter, now: now, random: random) }
      giveProbeBack(account, now: now)
    case .accountClosed(let fault):
      closeAccount(account, fault, now: now)
    case .notExecuted, nil:
      closures[account]?.isProbing = false
    }
    let isForgettable = lane.inFlight == 0 && lane.pauses == 0 && lane.blockedUntil.map { $0 <= now } ?? true
    lanes[key] = isForgettable ? nil : lane
  }

  /// Of many calls in flight that are all told to slow down, only the first doubles the pause.
  private func block(_ lane: inout Lane, retryAfter: Duration?, now: Timestamp, random: UInt64) {
    let isBlocked = lane.blockedUntil.map { now < $0 } ?? false
    if !isBlocked { lane.pauses = min(lane.pauses + 1, 62) }
    if isBlocked, retryAfter == nil { return }
    let pause = Backoff.delay(
      attempt: lane.pauses, base: limits.firstPause, cap: limits.longestPause, retryAfter: retryAfter,
      maximumRetryAfter: limits.longestPause, random: random)
    lane.blockedUntil = max(lane.blockedUntil ?? now, now + pause)
  }

  private mutating func closeAccount(_ account: String, _ fault: AccountFault, now: Timestamp) {
    if closures[account] == nil {
      closures[account] = Closure(fault: fault, probeAt: now + limits.firstProbe, tries: 0)
    } else {
      closures[account]?.fault = fault
      giveProbeBack(account, now: now)
    }
  }

  private mutating func giveProbeBack(_ account: String, now: Timestamp) {
    guard var closure = closures[account], closure.isProbing else { return }
    closure.isProbing = false
    closure.tries = min(closure.tries + 1, 62)
    let pause = Backoff.ceiling(attempt: closure.tries + 1, base: limits.firstProbe, cap: limits.longestPause)
    closure.probeAt = now + pause
    closures[account] = closure
  }
}
