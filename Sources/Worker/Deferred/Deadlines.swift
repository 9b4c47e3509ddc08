import BatchCore
import Ledger
import Threading

/// What is known of how long batches take and of the pace of the synchronous way: what cut-offs are computed from.
///
/// Bounded by the routes that are configured.
final class Deadlines: Sendable {
  private struct Due {
    var counts = DueCounts()
    var look = CutOff.Look(endangered: nil, next: nil)
    var readAt: Timestamp?
    /// How long it is good for: where reading takes long it is done less often.
    var life = Deadlines.lookInterval
    /// Whether more has come that is not counted.
    var hasGrown = false
  }

  private struct State {
    var learned: [Route: BatchTurnaround] = [:]
    var readAt: Timestamp?
    var isStale = false
    var due: [Route: Due] = [:]
    /// Milliseconds that a call lately took.
    var callTimes: [Route: Double] = [:]
  }

  /// What a native batch can do for a deadline.
  struct Outlook: Hashable, Sendable {
    /// Its cut-off has not passed.
    var mayWait: Bool
    /// Nine of ten batches would be home before it.
    var isLikelyInTime: Bool
  }

  private let state = Locked(State())
  private let configuration: WorkerConfiguration
  private let gates: Gates
  private let time: any Timekeeper
  private let metrics: WorkerMetrics
  /// Batches that are looked at: many enough for one in a hundred.
  private static let runs = 1000
  private static let refreshInterval = Duration.seconds(60)
  private static let staleInterval = Duration.seconds(5)
  private static let dueLife = Duration.seconds(60)
  /// However many ask, what is due is read no more often.
  fileprivate static let lookInterval = Duration.seconds(1)
  /// Of more rows that are due, the rest is looked at when it is nearer.
  private static let dueLimit = 100_000
  private static let mostRoutes = 1024
  /// Milliseconds, before any call was made.
  private static let firstCallTime = 3000.0
  /// Interactive work has the rest.
  private static let share = 0.5

  init(configuration: WorkerConfiguration, gates: Gates, time: any Timekeeper, metrics: WorkerMetrics) {
    self.configuration = configuration
    self.gates = gates
    self.time = time
    self.metrics = metrics
  }

  // MARK: Turnaround

  func turnaround(_ route: Route) -> BatchTurnaround {
    state.withLock { $0.learned[route] } ?? start(route.provider)
  }

  private func start(_ provider: String) -> BatchTurnaround {
    BatchTurnaround(
      typical: configuration.rescue.assumedTurnaround,
      window: configuration.completionWindows[provider] ?? .seconds(86_400), cancel: configuration.rescue.assumedCancel)
  }

  /// A batch has come to its end, which teaches something.
  func batchEnded() { state.withLock { $0.isStale = true } }

  /// How soon a refresh is worth while.
  var refreshPause: Duration { state.withLock { $0.isStale ? Self.staleInterval : Self.refreshInterval } }

  /// Reads how long batches took, if it is time.
  func refresh(_ ledger: any LedgerStore, providers: some Sequence<any Provider>) async {
    let now = time.monotonic()
    let isDue = state.withLock { state in
      if let at = state.readAt, now - at < (state.isStale ? Self.staleInterval : Self.refreshInterval) { return false }
      state.readAt = now
      state.isStale = false
      return true
    }
    guard isDue else { return }
    for provider in providers where provider.capabilities.batches {
      // What cannot be read now is read next time; an outage shows elsewhere.
      let runs = try? await ledger.batchRuns(account: provider.account, limit: Self.runs, at: time.now())
      for (model, runs) in Dictionary(grouping: runs ?? [], by: \.model) {
        let learned = BatchTurnaround(learnedFrom: runs.map(\.run), start: start(provider.name))
        state.withLock { state in
          if state.learned.count >= Self.mostRoutes { state.learned = [:] }
          state.learned[Route(provider: provider.name, model: model)] = learned
        }
        metrics.turnaround(provider: provider.name, model: model, learned)
      }
    }
  }

  // MARK: Pace

  /// A synchronous call has taken so long.
  func called(_ route: Route, _ duration: Duration) {
    let sample = Double(max(1, duration.wholeMilliseconds))
    state.withLock { state in
      if state.callTimes.count >= Self.mostRoutes, state.callTimes[route] == nil { state.callTimes = [:] }
      state.callTimes[route] = state.callTimes[route].map { $0 + (sample - $0) / 16 } ?? sample
    }
  }

  func cutOff(_ route: Route, account: String) -> CutOff {
    let (callTime, tokens) = state.withLock {
      ($0.callTimes[route] ?? Self.firstCallTime, $0.due[route]?.counts.averageTokens ?? 0)
    }
    let (rate, concurrency) = gates.callsPerMinute(
      GateKey(account: account, model: route.model), inputTokens: tokens, now: time.monotonic())
    let places = Double(min(configuration.workerConcurrency, concurrency))
    let perSecond = min(places * 1000 / callTime, rate.map { $0 / 60 } ?? .infinity)
    return CutOff(
      callsPerSecond: max(0.01, perSecond * Self.share), cancel: turnaround(route).cancel.ninetyNine,
      buffer: configuration.rescue.buffer)
  }

  // MARK: Due

  /// Rows with deadlines have been accepted: before a batch of them is made they are counted.
  func hasGrown(_ route: Route) {
    state.withLock { if $0.due[route] != nil { $0.due[route]?.hasGrown = true } }
  }

  /// What of the route is endangered and when more will be, by what is due now.
  ///
  /// - Parameter counted: Whether all that has come must be counted; else what was read a moment ago will do.
  /// - Returns: nil where the ledger cannot be read.
  func look(
    _ route: Route, account: String, _ ledger: any LedgerStore, counted: Bool = false
  ) async -> CutOff.Look? {
    let asked = time.monotonic()
    let known = state.withLock { state -> CutOff.Look? in
      guard let due = state.due[route], let readAt = due.readAt, asked - readAt < due.life else { return nil }
      return counted && due.hasGrown ? nil : due.look
    }
    if let known { return known }
    // What comes while it is read may not be in it.
    state.withLock { state in
      if state.due.count >= Self.mostRoutes, state.due[route] == nil { state.due = [:] }
      state.due[route, default: Due()].hasGrown = false
    }
    let now = time.now()
    guard let rows = try? await ledger.dueRows(route, after: now, limit: Self.dueLimit) else {
      hasGrown(route)
      return nil
    }
    let counts = DueCounts(rows)
    state.withLock { $0.due[route, default: Due()].counts = counts }
    let look = cutOff(route, account: account).look(at: rows, now: now)
    state.withLock { state in
      state.due[route, default: Due()].look = look
      state.due[route]?.readAt = asked
      state.due[route]?.life = max(Self.lookInterval, min(.seconds(30), (time.monotonic() - asked) * 10))
    }
    return look
  }

  private func due(_ route: Route) -> Due? {
    let now = time.monotonic()
    guard let due = state.withLock({ $0.due[route] }), let readAt = due.readAt else { return nil }
    return now - readAt < Self.dueLife ? due : nil
  }

  /// Until when a request may be left to a batch.
  func cutOff(of deadline: Timestamp, _ route: Route, account: String) -> Timestamp {
    let due = due(route)
    let time = cutOff(route, account: account).time(of: deadline, due: max(1, due?.counts.count(by: deadline) ?? 0))
    // One that is due before others that are endangered is so too.
    if let endangered = due?.look.endangered, deadline <= endangered { return min(time, self.time.now()) }
    return time
  }

  /// Rows that are due before then enter no batch that is planned now.
  func horizon(_ route: Route, account: String, now: Timestamp) -> Timestamp {
    let cutOff = cutOff(route, account: account)
    let nearest = now + (now - cutOff.time(of: now, due: 1))
    // Whose cut-off is now leaves as well.
    return max(nearest, due(route)?.look.endangered ?? nearest) + .milliseconds(1)
  }

  func outlook(of deadline: Timestamp, _ route: Route, account: String, now: Timestamp) -> Outlook {
    let cutOff = cutOff(of: deadline, route, account: account)
    return Outlook(mayWait: cutOff > now, isLikelyInTime: now + turnaround(route).run.ninety <= cutOff)
  }
}
