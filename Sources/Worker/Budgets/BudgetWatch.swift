import BatchCore
import Ledger
import Logging

/// Says when a budget nears its end, shows how budgets stand, and lets requests go that wait for the next period.
struct BudgetWatch: Sendable {
  let context: WorkerContext
  let windows: WindowKeeper
  let calls: CallDispatcher

  private static let interval = Duration.seconds(1)
  /// Of one budget and one commit.
  private static let step = 500

  func run() async {
    let rules = context.configuration.budgets
    var alerted: Set<Alerts.Kind> = []
    // Also without any: what waits for one that is configured no longer is let go.
    while !Task.isCancelled {
      guard await release(rules) < Self.step else { continue }
      if rules.isEmpty { return }
      await look(rules, &alerted)
      guard (try? await context.time.sleep(for: Self.interval)) != nil else { return }
    }
  }

  private func look(_ rules: [BudgetRule], _ alerted: inout Set<Alerts.Kind>) async {
    let now = context.time.now()
    let periods = Dictionary(
      rules.map { ($0.name, (rule: $0, period: $0.interval.period(at: now))) }, uniquingKeysWith: { first, _ in first })
    guard let first = periods.values.map(\.period.start).min() else { return }
    let standings: [BudgetStanding]
    do throws(LedgerError) {
      standings = try await context.ledger.budgets(since: first)
    } catch {
      // Whatever is wrong with the ledger shows elsewhere.
      context.logger.debug("Budgets cannot be read", metadata: ["error": "\(error)"])
      return
    }
    var nearing: Set<Alerts.Kind> = []
    var used: [String: Double] = Dictionary(rules.map { ($0.name, 0) }, uniquingKeysWith: { first, _ in first })
    for standing in standings {
      let name = BudgetRule.name(ofKey: standing.key)
      guard let (rule, period) = periods[name], standing.period == period.start else { continue }
      used[name] = max(used[name] ?? 0, Double(standing.balance.committed) / Double(max(1, rule.limit.value)))
      guard standing.balance.isNearing(rule.limit) else { continue }
      let kind = Alerts.Kind.budget(key: standing.key)
      nearing.insert(kind)
      if alerted.contains(kind) { continue }
      let isNews = try? await context.ledger.claimBudgetAlert(standing.key, period: standing.period)
      guard let isNews else { continue }
      alerted.insert(kind)
      context.alerts.raise(
        kind,
        "the budget \(BudgetRule.text(ofKey: standing.key)) of $\(rule.limit.dollars) a \(rule.interval.rawValue) is used to "
          + "80 %; what does not fit \(rule.holds ? "waits for the next one" : "is refused")", isNews: isNews)
    }
    // What was given back, or a period that has turned.
    for kind in alerted.subtracting(nearing) {
      alerted.remove(kind)
      context.alerts.clear(kind, isNews: false)
    }
    for (name, share) in used { context.metrics.budget(name, used: share) }
  }

  /// Returns how many it were.
  private func release(_ rules: [BudgetRule]) async -> Int {
    let released = await context.retry("let requests go on that waited for a budget") { () async throws(LedgerError) in
      try await context.ledger.releaseHeld(rules, limit: Self.step, at: context.time.now())
    }
    guard let released, released > 0 else { return 0 }
    context.logger.info(
      "Requests that waited for a budget go on, or are answered", metadata: ["requests": "\(released)"])
    windows.sweep()
    calls.parkedWorkIsReady()
    context.outboxReady.raise(.bulk)
    return released
  }
}
