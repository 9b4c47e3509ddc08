/// A replica's side of a gate that all replicas share: it spends what the account's book has granted, and tells the book
/// what its calls have seen.
///
/// ```
///   reserve --(granted)--> continue            wanted, news, unused
///      |                              report -----------------------> PaceBook
///      +--(not granted)--> wanted        ^                                |
///                                        +------ granted <----------------+
/// ```
/// Without an answer of the book nothing is granted, and no new call starts. Pure; time is passed in, and is monotonic.
public struct SharedPace: Sendable {
  public private(set) var inFlight = 0
  private var news = PaceNews()
  private var balance = PaceAmount.zero
  private var wanted = PaceAmount.zero
  private var waiting = 0
  private var allotted = 0
  private var stamp = PaceStamp { _ in 0 }
  private var verdict = PaceGrant.Verdict.closed
  private var refusedUntil: Timestamp?
  private var mayProbe = false
  private var pausedUntil: Timestamp?
  private var isUnlimited = false
  private var moreAt: Timestamp
  private var answeredAt: Timestamp?
  private var isAsking = false
  /// The limits in force, as the book said the last time.
  private var perMinute: [PaceResource: Double]?
  private var wantsLimits = false

  /// How long a grant may be spent: what others wait for is not kept.
  private static let grantLife = Duration.seconds(1)
  /// How often is reported while calls are in flight, so that they count.
  private static let heartbeat = Duration.seconds(2)
  /// How soon the book is asked again when nothing says how long it takes.
  private static let turn = Duration.milliseconds(50)
  /// The same while it waits for a place of another.
  private static let placeTurn = Duration.milliseconds(200)
  /// How long what is known of the limits is good enough for a forecast.
  private static let limitsLife = Duration.seconds(60)

  public init(now: Timestamp) {
    moreAt = now
  }

  /// - Parameter waiting: How many calls wait for a place here, this one included.
  public mutating func reserve(_ amount: PaceAmount, waiting: Int, now: Timestamp) -> GateDecision {
    if let until = pausedUntil {
      if now < until { return .wait(until: until) }
      pausedUntil = nil
    }
    if let refusal = refusal(now: now) { return .refuse(refusal) }
    if mayProbe {
      mayProbe = false
      return go(amount, isProbe: true, now: now)
    }
    if verdict == .closed, inFlight < allotted, isGranted(amount, now: now) {
      return go(amount, isProbe: false, now: now)
    }
    want(amount, waiting: waiting)
    return .wait(until: max(moreAt, now + Self.turn))
  }

  private func isGranted(_ amount: PaceAmount, now: Timestamp) -> Bool {
    guard let answeredAt, now - answeredAt < Self.grantLife else { return false }
    if isUnlimited { return true }
    return balance.calls >= 1 && balance.inputTokens >= amount.inputTokens
      && balance.outputTokens >= amount.outputTokens
  }

  private mutating func go(_ amount: PaceAmount, isProbe: Bool, now: Timestamp) -> GateDecision {
    balance = balance - amount
    inFlight += 1
    return .continue(Reservation(amount: amount, stamp: stamp, sentAt: now, isProbe: isProbe))
  }

  private mutating func want(_ amount: PaceAmount, waiting: Int) {
    self.waiting = max(self.waiting, waiting, 1)
    let calls = Int64(max(1, waiting))
    // As many as the first of them: what is too much is given back.
    let all = PaceAmount(
      calls: calls, inputTokens: amount.inputTokens.multipliedReportingOverflow(by: calls).partialValue,
      outputTokens: amount.outputTokens.multipliedReportingOverflow(by: calls).partialValue)
    if all.calls >= wanted.calls { wanted = all }
  }

  /// Gives a place back.
  public mutating func settle(_ reservation: Reservation, _ end: CallEnd, _ limits: PaceLimits, now: Timestamp) {
    inFlight = max(0, inFlight - 1)
    news.add(end, of: reservation, longestPause: limits.longestPause, now: now)
    // At once, before the book knows: others are told with the next report.
    if let until = news.pausedUntil, until > now { pausedUntil = max(pausedUntil ?? until, until) }
  }

  /// Until when nothing may be sent because the breaker is open.
  public func refusal(now: Timestamp) -> GateRefusal? {
    guard let until = refusedUntil, case .refuse(let cause, _) = verdict, now < until else { return nil }
    return GateRefusal(cause, until: until)
  }

  /// Whether calls that can wait for no longer than that would pass, as far as the book has said.
  public func openness(patience: Duration, now: Timestamp) -> GateOpenness {
    if refusal(now: now) != nil || pausedUntil.map({ $0 - now > patience }) ?? false { return .closed }
    return isSuspended ? .trying : .open
  }

  /// How many calls of such an amount a minute allows, for a forecast; nil without a limit. What others have learned is
  /// asked for, and is known the next time.
  public mutating func callsPerMinute(_ amount: PaceAmount, _ limits: PaceLimits, now: Timestamp) -> Double? {
    if answeredAt.map({ now - $0 >= Self.limitsLife }) ?? true { wantsLimits = true }
    return perMinute.map { amount.timesPerMinute(within: $0) } ?? limits.callsPerMinute(amount)
  }

  /// When it wants to report; nil while there is nothing to say.
  public func reportDue(now: Timestamp) -> Timestamp? {
    if isAsking { return nil }
    let last = answeredAt ?? now
    if news.fault != nil || news.probe != nil || news.pausedUntil != nil { return now }
    if waiting > 0 { return answeredAt == nil ? now : max(moreAt, last + Self.turn) }
    if wantsLimits { return max(moreAt, now) }
    if !news.isEmpty { return last + Self.turn * 4 }
    if inFlight > 0 { return last + Self.heartbeat }
    if allotted > 0 || balance.calls > 0 { return last + Self.grantLife }
    return nil
  }

  /// What is to be told to the book. Nothing is reported again before `granted` or `unanswered`.
  public mutating func report(now: Timestamp, random: UInt64) -> PaceReport {
    let missing = (wanted - balance).positive
    // A balance of enough calls and too few tokens pays for nothing that waits, and would never be added to: all of it goes
    // back, and what is wanted is asked for whole.
    let goesBack = waiting == 0 || missing.calls == 0 && missing != .zero
    let report = PaceReport(
      news: news, reportedAt: now, inFlight: inFlight, waiting: waiting, wanted: goesBack ? wanted : missing,
      balance: goesBack ? .zero : balance.positive, unused: goesBack ? balance : .zero, random: random)
    news = PaceNews()
    if goesBack { balance = .zero }
    wanted = .zero
    waiting = 0
    isAsking = true
    return report
  }

  public mutating func granted(_ grant: PaceGrant, now: Timestamp) {
    isAsking = false
    answeredAt = now
    balance += grant.amount
    allotted = grant.allotted
    stamp = grant.stamp
    verdict = grant.verdict
    isUnlimited = grant.isUnlimited
    perMinute = grant.perMinute
    wantsLimits = false
    mayProbe = if case .probe = grant.verdict { true } else { false }
    if case .refuse(_, let wait) = grant.verdict { refusedUntil = now + wait } else { refusedUntil = nil }
    if let pause = grant.pausedFor { pausedUntil = max(pausedUntil ?? now, now + pause) }
    moreAt = now + max(grant.moreAfter, inFlight >= allotted ? Self.placeTurn : Self.turn)
  }

  /// Whether the breaker was not closed when the book was last heard of.
  public var isSuspended: Bool { verdict != .closed }

  /// The breaker is closed, of which no grant has told: an operator, or another replica's call.
  public mutating func closeBreaker() {
    verdict = .closed
    refusedUntil = nil
    mayProbe = false
    // The pause may have ended with it. The book says so, and nothing is sent before it was asked.
    pausedUntil = nil
    answeredAt = nil
  }

  /// The book could not be asked: what was to be told is told later.
  public mutating func unanswered(_ report: PaceReport, now: Timestamp) {
    isAsking = false
    news = report.news.merged(with: news)
    balance += report.unused
    moreAt = now + .seconds(1)
  }

  /// Nothing in it would be missed.
  public var isIdle: Bool {
    inFlight == 0 && news.isEmpty && waiting == 0 && !isAsking && allotted == 0 && !wantsLimits
  }
}
