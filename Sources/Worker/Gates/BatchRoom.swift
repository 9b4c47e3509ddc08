import BatchCore
import Ledger
import Logging
import Threading

/// What this process knows of the room that accounts have for batches: the ledger decides, this remembers what it said last,
/// so that windows are built to fit.
final class BatchRoom: Sendable {
  private struct Key: Hashable {
    var account: String
    var model: String
  }

  private struct State {
    var standings: [Key: BatchStanding] = [:]
    /// Windows that were opened since the last refresh but one, by account.
    var windows: [String: Set<WindowKey>] = [:]
    var olderWindows: [String: Set<WindowKey>] = [:]
    var refreshedAt: Timestamp?
  }

  private let state = Locked(State())
  private let limits: [String: BatchLimits]
  private let time: any Timekeeper
  private let metrics: WorkerMetrics
  private let logger: Logger
  private static let refreshInterval = Duration.seconds(60)
  private static let mostWindows = 4096
  private static let mostStandings = 4096

  /// - Parameter limits: by the provider's name.
  init(limits: [String: BatchLimits], time: any Timekeeper, metrics: WorkerMetrics, logger: Logger) {
    self.limits = limits
    self.time = time
    self.metrics = metrics
    self.logger = logger
  }

  func limits(of provider: String) -> BatchLimits { limits[provider] ?? BatchLimits() }

  /// The ledger has told how an account stands.
  func saw(_ standing: BatchStanding, provider: String) {
    let key = Key(account: standing.account, model: standing.model)
    let before = state.withLock { state in
      let before = state.standings[key]
      // Publishers name the models: what is forgotten is read again.
      if before == nil, state.standings.count >= Self.mostStandings { state.standings = [:] }
      state.standings[key] = standing
      return before
    }
    let limits = limits(of: provider)
    let now = time.now()
    metrics.room(
      provider: provider, model: standing.model, enqueued: standing.usage.enqueuedTokens,
      cap: standing.lessons.cap(limits), creates: standing.usage.creates,
      createLimit: CreateBudget.limit(limits, standing.creates, now: now))
    let facts = Self.facts(standing, limits)
    guard facts != before.map({ Self.facts($0, limits) }) ?? [:], !facts.isEmpty else { return }
    var metadata = Logger.Metadata(uniqueKeysWithValues: facts.map { ($0.key, "\($0.value)") })
    metadata["provider"] = "\(provider)"
    metadata["model"] = "\(standing.model)"
    logger.notice("Limits of batches were learned", metadata: metadata)
  }

  /// What an operator wants to hear of when it changes: not what is configured.
  private static func facts(_ standing: BatchStanding, _ limits: BatchLimits) -> [String: Int64] {
    var facts: [String: Int64] = [:]
    let cap = standing.lessons.cap(BatchLimits())
    if let cap, cap < limits.enqueuedTokens ?? .max { facts["enqueued_tokens"] = cap }
    facts["largest_rows"] = standing.lessons.largestRows
    facts["largest_bytes"] = standing.lessons.largestBytes
    facts["creates_per_hour"] = standing.creates.map { Int64($0.creates) }
    return facts
  }

  // MARK: Windows

  /// How large a window may become, and for how long it stays open, by what is known now.
  func window(for key: WindowKey, account: String, _ window: WindowLimits) -> WindowLimits {
    let limits = limits(of: key.provider)
    let (standing, windows, creates) = state.withLock { state -> (BatchStanding?, Int, (Int, CreateLesson?)) in
      if state.windows[account, default: []].count < Self.mostWindows {
        state.windows[account, default: []].insert(key)
      }
      let windows = state.windows[account, default: []].union(state.olderWindows[account] ?? []).count
      // Creates are the account's: the latest word on any of its models counts.
      let known = state.standings.values.filter { $0.account == account }
      let most = known.map(\.usage.creates).max() ?? 0
      return (
        state.standings[Key(account: account, model: key.model)], windows,
        (most, known.lazy.compactMap(\.creates).max { $0.at < $1.at })
      )
    }
    var window = CreateBudget.stretched(
      window, creates: creates.0, limit: CreateBudget.limit(limits, creates.1, now: time.now()), windows: windows)
    let lessons = standing?.lessons ?? BatchLessons()
    window.maximumTokens = lessons.estimated(window.maximumTokens)
    let stuck = standing?.usage.stuckTokens ?? 0
    if let tokens = lessons.largestTokens(limits, stuck: stuck) {
      window.maximumTokens = min(window.maximumTokens, tokens)
    }
    if let rows = lessons.largestRows { window.maximumRequests = min(window.maximumRequests, Int(clamping: rows)) }
    if let bytes = lessons.largestBytes { window.maximumBytes = min(window.maximumBytes, bytes) }
    return window
  }

  // MARK: Refresh

  /// Reads how all accounts stand, at most once a minute: what other replicas use and learn changes without us.
  func refresh(_ ledger: any LedgerStore, providers: [String: any Provider]) async {
    let now = time.monotonic()
    let isDue = state.withLock { state in
      if let at = state.refreshedAt, now - at < Self.refreshInterval { return false }
      state.refreshedAt = now
      state.olderWindows = state.windows
      state.windows = [:]
      return true
    }
    // What cannot be read now is read next time; an outage shows elsewhere.
    guard isDue, let standings = try? await ledger.standings(at: time.now()) else { return }
    let names = Dictionary(providers.values.map { ($0.account, $0.name) }, uniquingKeysWith: { first, _ in first })
    for standing in standings where !standing.model.isEmpty {
      if let name = names[standing.account] { saw(standing, provider: name) }
    }
  }
}
