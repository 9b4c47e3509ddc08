/// Suspends calls that would fail: for an account and model, after too many failures or one that no other call can escape.
///
/// ```
///            failures above the ratio, or a fault              until                 probe: answered
///   closed ------------------------------------------> open ----------> probing ----------------------> closed
///      ^                                                ^___________________|                              ^
///      |                                                  probe: failed, or no word of it (twice as long)  |
///      +------------------------------------- closed by an operator ---------------------------------------+
/// ```
/// One probe at a time, by one holder: whoever asks first when the time has come. Pure; time is passed in.
public struct CircuitBreaker: Hashable, Sendable, Codable {
  public struct Limits: Hashable, Sendable, Codable {
    /// Failed calls over all of the window, above 0 and up to 1.
    public var failureRatio: Double
    /// Calls in the window below which nothing is concluded.
    public var minimumCalls: Int
    public var window: Duration
    /// How long it stays open; doubles with every probe that fails.
    public var open: Duration
    public var longestOpen: Duration
    /// How long a probe may take before another may try.
    public var probe: Duration

    public init(
      failureRatio: Double = 0.5, minimumCalls: Int = 20, window: Duration = .seconds(30),
      open: Duration = .seconds(30),
      longestOpen: Duration = .seconds(3600), probe: Duration = .seconds(60)
    ) {
      self.failureRatio = failureRatio
      self.minimumCalls = minimumCalls
      self.window = window
      self.open = open
      self.longestOpen = longestOpen
      self.probe = probe
    }
  }

  public enum Cause: Hashable, Sendable, Codable {
    case failures
    case fault(AccountFault)
    /// It asks for a pause beyond the longest that is obeyed.
    case askedTooLong
  }

  public enum State: Hashable, Sendable, Codable {
    case closed
    case open(Cause, until: Timestamp)
    /// - Parameter until: when another may probe.
    case probing(Cause, holder: Int64, until: Timestamp)
  }

  public enum Verdict: Hashable, Sendable {
    case closed
    /// The one call that tries.
    case probe
    case refuse(Cause, until: Timestamp)
  }

  private struct Slot: Hashable, Sendable, Codable {
    var number: Int64
    var calls = 0
    var failures = 0
  }

  public private(set) var state = State.closed
  /// Since when it has not been closed; nil while it is, and where an older version opened it.
  public private(set) var openedAt: Timestamp?
  private var slots: [Slot] = []
  private var tries = 0
  /// Of the latest calls, up to the minimum.
  private var latest = Slot(number: 0)
  private static let slotsPerWindow: Int64 = 10

  public init() {}

  public var cause: Cause? {
    switch state {
    case .closed: nil
    case .open(let cause, _), .probing(let cause, _, _): cause
    }
  }

  /// What a call may do that would be made now.
  public mutating func ask(by holder: Int64, _ limits: Limits, now: Timestamp) -> Verdict {
    switch state {
    case .closed: return .closed
    case .open(let cause, var until), .probing(let cause, _, var until):
      // A clock that was set back must not keep it open for longer than it may be.
      let latest = now + max(limits.longestOpen, limits.probe)
      if until > latest {
        until = latest
        if case .open = state { state = .open(cause, until: until) }
      }
      guard now >= until else { return .refuse(cause, until: until) }
      state = .probing(cause, holder: holder, until: now + limits.probe)
      return .probe
    }
  }

  /// Ends of calls that were no probes.
  public mutating func record(calls: Int, failures: Int, _ limits: Limits, now: Timestamp) {
    guard case .closed = state, calls > 0 else { return }
    let length = max(1, limits.window.wholeMilliseconds / Self.slotsPerWindow)
    let number = now.milliseconds / length
    slots.removeAll { $0.number <= number - Self.slotsPerWindow || $0.number > number }
    if slots.last?.number != number { slots.append(Slot(number: number)) }
    slots[slots.count - 1].calls += calls
    slots[slots.count - 1].failures += failures
    let all = slots.reduce(0) { $0 + $1.calls }
    let failed = slots.reduce(0) { $0 + $1.failures }
    if failures > 0, all >= limits.minimumCalls, Double(failed) >= limits.failureRatio * Double(all) {
      return open(.failures, limits, now: now)
    }
    // A provider that goes down after a good time need not fail as often as it has answered before.
    latest.calls += calls
    latest.failures += failures
    guard latest.calls >= limits.minimumCalls else { return }
    let isDown = Double(latest.failures) >= (1 + limits.failureRatio) / 2 * Double(latest.calls)
    latest = Slot(number: 0)
    if isDown { open(.failures, limits, now: now) }
  }

  /// Every call would fail like this one.
  public mutating func fault(_ cause: Cause, _ limits: Limits, now: Timestamp) {
    switch state {
    case .closed, .open(.failures, _): open(cause, limits, now: now)
    // Calls that were in flight when it opened.
    case .open, .probing: break
    }
  }

  public enum ProbeEnd: Hashable, Sendable, Codable {
    /// The account answers: also with a refusal of this one request.
    case answered
    case failed(Cause)
    /// It was not made, or says nothing: another may try at once.
    case unknown
  }

  public mutating func probeEnded(_ end: ProbeEnd, by holder: Int64, _ limits: Limits, now: Timestamp) {
    guard case .probing(let cause, holder, _) = state else { return }
    switch end {
    case .answered: close()
    case .failed(let newCause): open(newCause, limits, now: now)
    case .unknown: state = .open(cause, until: now)
    }
  }

  /// An operator has seen to it.
  public mutating func close() { self = CircuitBreaker() }

  private mutating func open(_ cause: Cause, _ limits: Limits, now: Timestamp) {
    openedAt = openedAt ?? now
    tries = min(tries + 1, 62)
    slots = []
    latest = Slot(number: 0)
    let pause = Backoff.ceiling(attempt: tries, base: limits.open, cap: max(limits.open, limits.longestOpen))
    state = .open(cause, until: now + pause)
  }
}
