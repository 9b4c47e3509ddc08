import Threading

/// What came, and what became of it, since the start: by key and model, by key and kind, by caller, and by the second.
///
/// The witness tells what was paid for; this tells how fast it came, what was refused, and who came too early.
final class Traffic: Sendable {
  struct AccountKey: Hashable, Sendable {
    /// Fingerprint of the key.
    var key: String
    /// `nil` where a call was refused before its model was known.
    var model: String?
  }

  struct KindKey: Hashable, Sendable {
    var key: String
    var kind: CallKind
  }

  struct Account: Sendable {
    var count = CallCount()
    var inFlight = 0
    var mostInFlight = 0
    var tokens = 0
    /// Absent for all but the first accounts.
    var timeline: Timeline?
  }

  struct EarlyCount: Sendable {
    var count = 0
    var worst = 0
  }

  struct State: Sendable {
    var accounts: [AccountKey: Account] = [:]
    var kinds: [KindKey: CallCount] = [:]
    var agents: [String: CallCount] = [:]
    var timeline = Timeline()
    var watch = RetryWatch()
    var early: [KindKey: EarlyCount] = [:]
    var outageCalls: [KindKey: Int] = [:]
    var outageSeconds = Timeline()
  }

  /// Keys, models and callers beyond these are counted together, since whoever calls makes up their names.
  static let mostEntries = 10_000
  static let mostTimelines = 64
  private let state = Locked(State())

  /// Counts a synchronous call that was accepted. Returns how many of its account are in flight now.
  func begin(_ visit: Visit, tokens: Int, second: Int) -> Int {
    state.withLock { state in
      let key = Self.accountKey(visit, state)
      state.timeline.add(second, accepted: 1, tokens: tokens)
      Self.count(visit, &state) { $0.accept() }
      return Self.change(key, &state) { account in
        account.count.accept()
        account.tokens += tokens
        account.timeline?.add(second, accepted: 1, tokens: tokens)
        account.inFlight += 1
        account.mostInFlight = max(account.mostInFlight, account.inFlight)
        return account.inFlight
      }
    }
  }

  /// Gives back the place of a call that was begun.
  ///
  /// - Parameter tokens: What counts now, and did not at the beginning.
  func end(_ visit: Visit, tokens: Int, second: Int) {
    state.withLock { state in
      if tokens > 0 { state.timeline.add(second, tokens: tokens) }
      Self.change(Self.accountKey(visit, state), &state) { account in
        account.inFlight = max(0, account.inFlight - 1)
        account.tokens += tokens
        if tokens > 0 { account.timeline?.add(second, tokens: tokens) }
      }
    }
  }

  /// Counts a call to files or batches that was answered.
  func accept(_ visit: Visit) {
    state.withLock { state in Self.count(visit, &state) { $0.accept() } }
  }

  /// Counts a call that was refused.
  ///
  /// - Parameters:
  ///   - status: `nil` where nothing was answered.
  ///   - until: When the caller may come again, if it was told; this and `now` in microseconds since 1970.
  func refuse(_ visit: Visit, _ reason: String, status: Int?, until: Int? = nil, now: Int) {
    state.withLock { state in
      Self.count(visit, &state) { $0.refuse(reason, status: status) }
      if let until, let subject = visit.subject { state.watch.tell(subject, until: until, now: now) }
      guard visit.kind == .call else { return }
      state.timeline.add(now / 1_000_000, refused: 1)
      Self.change(Self.accountKey(visit, state), &state) { account in
        account.count.refuse(reason, status: status)
        account.timeline?.add(now / 1_000_000, refused: 1)
      }
    }
  }

  /// Counts a batch that was refused after it was created.
  func refuseBatch(key: String, model: String, _ reason: String) {
    state.withLock { state in
      Self.change(Self.bounded(AccountKey(key: key, model: model), state), &state) {
        $0.count.refuse(reason, status: nil)
      }
    }
  }

  /// Counts a call that comes in an outage.
  func sufferOutage(_ visit: Visit, second: Int) {
    state.withLock { state in
      state.outageSeconds.add(second, refused: 1)
      guard let key = Self.kindKey(visit, state) else { return }
      state.outageCalls[key, default: 0] += 1
    }
  }

  /// How much too early a call comes, if it was told to wait longer; it is counted.
  func early(_ visit: Visit, graceMs grace: Int) -> RetryWatch.Early? {
    guard let subject = visit.subject else { return nil }
    return state.withLock { state in
      guard let early = state.watch.early(subject, arrival: visit.arrival, grace: grace * 1000) else { return nil }
      if let key = Self.kindKey(visit, state) {
        let before = state.early[key] ?? EarlyCount()
        state.early[key] = EarlyCount(count: before.count + 1, worst: max(before.worst, early.milliseconds))
      }
      return early
    }
  }

  var snapshot: State { state.withLock { $0 } }

  func reset() {
    state.withLock { state in
      // Calls in flight end after it.
      let inFlight = state.accounts.filter { $0.value.inFlight > 0 }.mapValues(\.inFlight)
      state = State()
      for (key, count) in inFlight { Self.change(key, &state) { ($0.inFlight, $0.mostInFlight) = (count, count) } }
    }
  }

  private static func count(_ visit: Visit, _ state: inout State, _ body: (inout CallCount) -> Void) {
    if let key = kindKey(visit, state) { body(&state.kinds[key, default: CallCount()]) }
    var agent = visit.agent ?? ""
    if state.agents.count >= mostEntries, state.agents[agent] == nil { agent = "others" }
    body(&state.agents[agent, default: CallCount()])
  }

  private static func kindKey(_ visit: Visit, _ state: State) -> KindKey? {
    guard let kind = visit.kind else { return nil }
    let key = KindKey(key: visit.key, kind: kind)
    return state.kinds.count >= mostEntries && state.kinds[key] == nil ? KindKey(key: "others", kind: kind) : key
  }

  private static func accountKey(_ visit: Visit, _ state: State) -> AccountKey {
    bounded(AccountKey(key: visit.key, model: visit.model), state)
  }

  private static func bounded(_ key: AccountKey, _ state: State) -> AccountKey {
    state.accounts.count >= mostEntries && state.accounts[key] == nil ? AccountKey(key: "others", model: nil) : key
  }

  private static func change<Result>(
    _ key: AccountKey, _ state: inout State, _ body: (inout Account) -> Result
  ) -> Result {
    let timeline = state.accounts.count < mostTimelines ? Timeline() : nil
    return body(&state.accounts[key, default: Account(timeline: timeline)])
  }
}
