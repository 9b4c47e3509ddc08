import BatchCore
import Ledger
import Logging
import Threading

/// The gates of every account and model that this process calls.
///
/// With a ledger of its own the process decides alone; replicas that share a ledger share each gate through it, and
/// `GateExchange` keeps this side of it up to date. Decisions are pure (`Pace`, `SharedPace`); this holds their states.
final class Gates: Sendable {
  private struct State {
    var own: [GateKey: Pace] = [:]
    var shared: [GateKey: SharedPace] = [:]
    var estimates = TokenEstimates()
    var measures = TokenMeasures()
    var peers = 1
    /// Told by reports of which nobody knows whether they arrived.
    var unsure: Set<GateKey> = []
  }

  private let state = Locked(State())
  private let isShared: Bool
  private let limits: @Sendable (GateKey) -> PaceLimits
  private let time: any Timekeeper
  private let watch: BreakerWatch
  private let random: @Sendable () -> UInt64
  /// Raised when the exchange has something to do.
  let wanted = Signal()
  /// Raised when a breaker that replicas share is not closed.
  let suspension = Signal()
  let reopenings: Reopenings
  /// Gates that nobody uses are forgotten beyond this number.
  private static let mostIdle = 1024

  init(
    isShared: Bool, limits: @escaping @Sendable (GateKey) -> PaceLimits, time: any Timekeeper, watch: BreakerWatch,
    reopenings: Reopenings, random: @escaping @Sendable () -> UInt64 = { UInt64.random(in: .min ... .max) }
  ) {
    self.isShared = isShared
    self.limits = limits
    self.time = time
    self.watch = watch
    self.reopenings = reopenings
    self.random = random
  }

  /// How many processes call with the same account without sharing a ledger, this one included.
  func setPeers(_ peers: Int) { state.withLock { $0.peers = max(1, peers) } }

  /// What a call is taken for before it is sent.
  func estimate(_ call: PendingCall, countsOutputLimit: Bool) -> PaceAmount {
    state.withLock {
      $0.estimates.amount(
        model: call.route.model, tenant: call.tenant, inputTokens: call.tokens, outputLimit: call.outputLimit,
        countsLimit: countsOutputLimit)
    }
  }

  /// Asks for a place for one call.
  ///
  /// - Parameter waiting: How many calls of this gate wait, this one included.
  func reserve(_ key: GateKey, _ amount: PaceAmount, waiting: Int, now: Timestamp) -> GateDecision {
    let limits = limits(key)
    let (decision, isDue) = state.withLock { state -> (GateDecision, Bool) in
      guard isShared else {
        let decision = state.own[key, default: Pace(now: now)]
          .reserve(amount, limits, peers: state.peers, now: now)
        return (decision, false)
      }
      let decision = state.shared[key, default: SharedPace(now: now)].reserve(amount, waiting: waiting, now: now)
      return (decision, (state.shared[key]?.reportDue(now: now)).map { $0 <= now } ?? false)
    }
    if isDue { wanted.raise() }
    return decision
  }

  /// Gives a place back, and takes in what the call has told.
  func settle(_ key: GateKey, _ reservation: Reservation, _ end: CallEnd, now: Timestamp) {
    let limits = limits(key)
    let random = random()
    let seen = state.withLock { state -> CircuitBreaker.State? in
      if isShared {
        state.shared[key, default: SharedPace(now: now)].settle(reservation, end, limits, now: now)
        return nil
      }
      state.own[key, default: Pace(now: now)]
        .settle(reservation, end, limits, peers: state.peers, now: now, random: random)
      let breaker = state.own[key]?.breaker.state
      if state.own.count > Self.mostIdle { state.own = state.own.filter { !$0.value.isIdle } }
      return breaker
    }
    if let seen { watch.saw(key, seen) }
    if isShared { wanted.raise() }
  }

  /// How many calls a minute the limits in force allow, as far as they are known here, and how many in flight. Where the
  /// gate is shared, what other replicas have learned is fetched for the next time.
  func callsPerMinute(_ key: GateKey, inputTokens: Int64, now: Timestamp) -> (rate: Double?, concurrency: Int) {
    let limits = limits(key)
    let (rate, isDue) = state.withLock { state -> (Double?, Bool) in
      let amount = PaceAmount(inputTokens: inputTokens, outputTokens: state.estimates.expectedOutput(of: key.model))
      guard isShared else {
        let known = state.own[key]?.callsPerMinute(amount, limits, peers: state.peers)
        return (known ?? limits.callsPerMinute(amount), false)
      }
      let rate = state.shared[key, default: SharedPace(now: now)].callsPerMinute(amount, limits, now: now)
      return (rate, (state.shared[key]?.reportDue(now: now)).map { $0 <= now } ?? false)
    }
    if isDue { wanted.raise() }
    return (rate, limits.concurrency)
  }

  /// Output tokens of a call.
  func expectedOutput(of model: String) -> Int64 { state.withLock { $0.estimates.expectedOutput(of: model) } }

  func learn(_ call: PendingCall, _ key: GateKey, used: Usage) {
    state.withLock {
      $0.estimates.learn(
        model: call.route.model, tenant: call.tenant, inputTokens: call.tokens, used: used)
      $0.measures.add(key, reported: used.inputTokens, estimated: call.tokens)
    }
  }

  /// What was learned of a model before this process began.
  func recall(model: String, inputRatio: Double) {
    state.withLock { $0.estimates.recall(model: model, inputRatio: inputRatio) }
  }

  /// How providers counted since this was asked last.
  func takeMeasures() -> [TokenMeasure] { state.withLock { $0.measures.take() } }

  /// Until when nothing of this gate may be sent because its breaker is open; nil if it is not.
  func refusal(_ key: GateKey, now: Timestamp) -> GateRefusal? {
    state.withLock { isShared ? $0.shared[key]?.refusal(now: now) : $0.own[key]?.refusal(now: now) }
  }

  /// Whether calls that can wait for no longer than that would pass this gate. One that is not known yet is open.
  func openness(_ key: GateKey, patience: Duration, now: Timestamp) -> GateOpenness {
    state.withLock {
      isShared
        ? $0.shared[key]?.openness(patience: patience, now: now) ?? .open
        : $0.own[key]?.openness(patience: patience, now: now) ?? .open
    }
  }

  // MARK: - Breakers

  /// Those of this process's own gates that are not closed.
  func openBreakers(now: Timestamp) -> [OpenBreaker] {
    state.withLock { state in state.own.compactMap { OpenBreaker($0.key, $0.value.breaker, now: now) } }
  }

  /// An operator has seen to what was wrong; where gates are shared, the ledger has it already.
  func closeBreakers(_ breakers: [OpenBreaker]) {
    state.withLock { state in
      for breaker in breakers {
        state.own[breaker.key]?.closeBreaker()
        state.shared[breaker.key]?.closeBreaker()
      }
    }
    for breaker in breakers { watch.wasClosed(breaker.key, breaker.cause) }
    wanted.raise()
  }

  /// Shared gates whose breaker was not closed when they were last heard of.
  var suspended: [GateKey] { state.withLock { $0.shared.compactMap { $0.value.isSuspended ? $0.key : nil } } }

  func closedElsewhere(_ keys: Set<GateKey>) {
    state.withLock { state in for key in keys { state.shared[key]?.closeBreaker() } }
    for key in keys { watch.saw(key, .closed, isNews: false) }
    wanted.raise()
  }

  // MARK: - The exchange

  /// What is due to be reported, and when something will be if nothing is.
  func due(now: Timestamp) -> (reports: [GateReport], next: Timestamp?) {
    state.withLock { state in
      var reports: [GateReport] = []
      var next: Timestamp?
      for key in Array(state.shared.keys) {
        guard let due = state.shared[key]?.reportDue(now: now) else {
          if state.shared.count > Self.mostIdle, state.shared[key]?.isIdle ?? false { state.shared[key] = nil }
          continue
        }
        if due <= now, let report = state.shared[key]?.report(now: now, random: random()) {
          reports.append(GateReport(key: key, report: report, limits: limits(key)))
        } else {
          next = min(next ?? due, due)
        }
      }
      return (reports, next)
    }
  }

  func granted(_ reports: [GateReport], _ grants: [PaceGrant], now: Timestamp) {
    let isUnsure = state.withLock { state in
      zip(reports, grants).map { report, grant in
        state.shared[report.key]?.granted(grant, now: now)
        return state.unsure.remove(report.key) != nil
      }
    }
    for ((report, grant), isUnsure) in zip(zip(reports, grants), isUnsure) {
      watch.saw(report.key, grant.verdict, isNews: grant.turnedBreaker || isUnsure)
    }
    if grants.contains(where: { $0.verdict != .closed }) { suspension.raise() }
  }

  func unanswered(_ reports: [GateReport], now: Timestamp) {
    state.withLock { state in
      for report in reports {
        state.shared[report.key]?.unanswered(report.report, now: now)
        // Better said twice than never.
        state.unsure.insert(report.key)
      }
    }
  }
}
