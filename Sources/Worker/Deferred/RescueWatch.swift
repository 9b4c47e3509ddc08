import BatchCore
import Ledger
import Logging

/// Looks at the deadlines in the batches that this process follows, and rescues what would come too late.
///
/// Decisions are pure (`CutOff`, `RescueChoice`); each is committed in the ledger before anything is done about it, so
/// that a process which dies in between neither forgets it nor spends more than it may.
struct RescueWatch: Sendable {
  let context: WorkerContext
  /// The ledger has parked rows to be sent.
  let parked: @Sendable () -> Void

  private static let shortest = Duration.milliseconds(250)
  private static let longest = Duration.seconds(60)
  private static let usual = Duration.seconds(5)
  /// How soon is looked again at what could not be saved: there may be another way, or the day's budget be free again.
  private static let postponed = Duration.seconds(15)
  private static let page = 5000
  /// Rows that one commit sends twice.
  private static let commitSize = 1000

  func run() async {
    while !Task.isCancelled {
      let entries = context.openBatches.all.filter {
        !$0.isDone && ($0.batch.cancelledAt == nil || $0.isCancelRefused)
      }
      await context.deadlines.refresh(context.ledger, providers: context.providers.values)
      var next: Timestamp?
      for (route, group) in Dictionary(grouping: entries, by: \.route) {
        if let time = await look(route, group) { next = min(next ?? time, time) }
      }
      if entries.isEmpty {
        _ = await context.openBatches.changed.wait(upTo: context.deadlines.refreshPause, context.time)
        continue
      }
      // The pace may change, and more may come: far from a cut-off that is looked at less often.
      let left = next.map { $0 - context.time.now() } ?? Self.longest
      let wait = max(Self.shortest, min(left, max(Self.usual, min(Self.longest, left / 4))))
      _ = await context.openBatches.changed.wait(upTo: wait, context.time)
    }
  }

  /// Returns when the next row of the route is endangered.
  private func look(_ route: Route, _ entries: [OpenBatches.Entry]) async -> Timestamp? {
    // What cannot be read now is read next time.
    guard let account = entries.first?.batch.account,
      let look = await context.deadlines.look(route, account: account, context.ledger)
    else { return context.time.now() + Self.usual }
    let now = context.time.now()
    guard let horizon = look.endangered else { return look.next }
    let cutOff = context.deadlines.cutOff(route, account: account)
    var next = look.next
    for entry in entries where entry.earliest.map({ $0 <= horizon }) ?? true {
      if let until = entry.notBefore, until > now {
        next = min(next ?? until, until)
      } else if let again = await rescue(entry, due: horizon, cutOff, at: now) {
        next = min(next ?? again, again)
      }
    }
    return next
  }

  /// Returns when to look at it again, if that is sooner than at others.
  private func rescue(
    _ entry: OpenBatches.Entry, due horizon: Timestamp, _ cutOff: CutOff, at now: Timestamp
  ) async -> Timestamp? {
    guard let rows = await rows(of: entry.batch) else { return now + Self.usual }
    let open = rows.filter { !$0.wasRescued && $0.deadline ?? now > now }
    let endangered = open.filter { $0.deadline.map { $0 <= horizon } ?? false }
    let later = open.compactMap(\.deadline).filter { $0 > horizon }.min()
    if endangered.isEmpty {
      context.openBatches.set(earliest: later, of: entry.batch.id)
      return nil
    }
    let ways = ways(of: endangered, entry)
    let sendable = endangered.filter { ways[$0.model] != nil }
    // Nothing can be sent: what the batch brings late is better than nothing.
    if sendable.isEmpty { return now + Self.usual }
    var choice = await choice(entry, rows: rows, endangered: sendable, ways, cutOff, at: now)
    // Nor is what cannot be sent taken out of it.
    if sendable.count < endangered.count { choice.isCancellable = false }
    if choice.way == .sendTwice {
      let sent = await sendTwice(entry, sendable, ways, at: now)
      guard let sent else { return now + Self.usual }
      if sent == endangered.count {
        context.openBatches.set(earliest: later, of: entry.batch.id)
        return nil
      }
      // Some have come home meanwhile, or the budget was not enough for all.
      if sent > 0 { return now }
      choice.budget = await budget(at: now)
      // Others have spent what was left.
      if choice.endangered.map({ $0.list > choice.budget.value }) ?? true { choice.budget = PicoUSD(0) }
      if choice.way == .sendTwice { return now + Self.usual }
    }
    if choice.way == .cancel {
      await cancel(entry, endangered.count, at: now)
      return nil
    }
    let again = now + Self.postponed
    if context.openBatches.postpone(entry.batch.id, until: again) {
      note(entry, "none", "Deadlines in a batch will be missed, and nothing may be done about it now", endangered.count)
    }
    return again
  }

  /// How requests of each model can be sent now: as the batch, or by the model's next route where that is closed.
  private func ways(of rows: [UnsettledRow], _ entry: OpenBatches.Entry) -> [String: Route] {
    let routing = CallRouting(context: context)
    let now = context.time.monotonic()
    var ways: [String: Route] = [:]
    for model in Set(rows.map(\.model)) {
      ways[model] = routing.urgentWay(entry.route, of: model, endpoint: entry.batch.key.endpoint, now: now)
    }
    return ways
  }

  private func rows(of batch: BatchRecord) async -> [UnsettledRow]? {
    var rows: [UnsettledRow] = []
    while !Task.isCancelled {
      let from = rows.last?.id
      guard let page = try? await context.ledger.unsettledRows(batch.id, after: from, limit: Self.page) else {
        return nil
      }
      rows += page
      if page.count < Self.page { return rows }
    }
    return nil
  }

  // MARK: Choice

  private func choice(
    _ entry: OpenBatches.Entry, rows: [UnsettledRow], endangered: [UnsettledRow], _ ways: [String: Route],
    _ cutOff: CutOff, at now: Timestamp
  ) async -> RescueChoice {
    let chosen = Set(endangered.map(\.id))
    // What would be so late after a cancel that no other batch brings it in time.
    let turnaround = context.deadlines.turnaround(entry.route)
    let again = now + turnaround.cancel.ninetyNine + turnaround.run.ninety
    let tight = rows.filter { row in
      guard let deadline = row.deadline, deadline > now, !chosen.contains(row.id) else { return false }
      return cutOff.time(of: deadline, due: 1) < again
    }
    let capabilities = entry.provider.capabilities
    return RescueChoice(
      endangered: price(endangered, entry.route, ways), tight: price(tight, entry.route) ?? .init(list: 0, batch: 0),
      whole: price(rows, entry.route) ?? .init(list: 0, batch: 0), done: entry.share,
      isCancellable: capabilities.cancellable && !entry.isCancelRefused,
      keepsResults: capabilities.keepsResultsOfCancelled,
      budget: await budget(at: now))
  }

  /// What may still be paid twice today.
  private func budget(at now: Timestamp) async -> PicoUSD {
    let most = context.configuration.rescue.maximumDoubleSpend
    // Whoever cannot read what was spent spends nothing.
    let spent = (try? await context.ledger.doubleSpend(since: SpendLimit.since(now))) ?? most
    return PicoUSD(max(0, most.value.subtractingReportingOverflow(spent.value).partialValue))
  }

  /// - Parameter ways: How each model's rows would be called, where that is not the batch's own route.
  private func price(_ rows: [UnsettledRow], _ route: Route, _ ways: [String: Route] = [:]) -> RescueChoice.Price? {
    var sum = RescueChoice.Price(list: 0, batch: 0)
    for row in rows {
      guard let list = price(row, ways[row.model] ?? route, .list), let batch = price(row, route, .batch) else {
        return nil
      }
      sum.list = sum.list.addingReportingOverflow(list.value).partialValue
      sum.batch = sum.batch.addingReportingOverflow(batch.value).partialValue
    }
    return sum
  }

  private func price(_ row: UnsettledRow, _ route: Route, _ basis: CostBasis) -> PicoUSD? {
    let usage = Usage(
      inputTokens: max(0, row.tokens), outputTokens: context.gates.expectedOutput(of: route.model))
    return context.models.price(of: route.model, at: route.provider)?.cost(of: usage, basis: basis)
  }

  // MARK: Ways

  private func cancel(_ entry: OpenBatches.Entry, _ count: Int, at now: Timestamp) async {
    guard await commit("note that a batch is cancelled", entry, .cancel, at: now) != nil else { return }
    note(entry, RescueWay.cancel.name, "A batch is cancelled, since deadlines in it would be missed", count)
    context.openBatches.cancel(entry.batch.id, at: now)
  }

  /// Returns how many of the rows that were; nil if that cannot be decided.
  private func sendTwice(
    _ entry: OpenBatches.Entry, _ rows: [UnsettledRow], _ ways: [String: Route], at now: Timestamp
  ) async -> Int? {
    let limit = SpendLimit(most: context.configuration.rescue.maximumDoubleSpend, since: SpendLimit.since(now))
    let wanted = rows.sorted { ($0.deadline ?? now, $0.id) < ($1.deadline ?? now, $1.id) }.map { row in
      RescuedRow(id: row.id, cost: price(row, ways[row.model] ?? entry.route, .list) ?? PicoUSD(.max))
    }
    var sent = 0
    var spend: Int64 = 0
    for start in stride(from: 0, to: wanted.count, by: Self.commitSize) {
      let part = Array(wanted[start..<min(start + Self.commitSize, wanted.count)])
      let what = "send requests of a batch synchronously too"
      guard let done = await commit(what, entry, .sendTwice(part, limit), at: now) else { return nil }
      sent += done.count
      spend = done.reduce(spend) { $0 &+ $1.cost.value }
      await reroute(done, of: rows, ways, entry)
      if !done.isEmpty { parked() }
      if done.isEmpty { break }
    }
    if sent == 0 { return 0 }
    context.metrics.doubleSpend(provider: entry.batch.key.provider, PicoUSD(spend))
    note(
      entry, RescueWay.sendTwice.name,
      "Requests of a batch are sent synchronously too, since it would miss their deadlines",
      sent, ["left": "\(rows.count - sent)", "double_spend_usd": "\(PicoUSD(spend).dollars)"])
    return sent
  }

  /// What cannot go the batch's own way takes the one that was found. Where that is not noted the gates decide again.
  private func reroute(
    _ done: [RescuedRow], of rows: [UnsettledRow], _ ways: [String: Route], _ entry: OpenBatches.Entry
  ) async {
    let sent = Set(done.map(\.id))
    let groups = Dictionary(grouping: rows.lazy.filter { sent.contains($0.id) }) { ways[$0.model] ?? entry.route }
    for (route, rows) in groups where route != entry.route {
      let ids = rows.map(\.id)
      let moved: Void? = await context.retry("send requests another way") { () async throws(LedgerError) in
        try await context.ledger.reroute(ids, to: route)
      }
      guard moved != nil else { return }
      context.metrics.rerouted(from: entry.route.provider, to: route.provider, by: ids.count)
    }
  }

  /// Nil if nothing is decided: the batch may have come home and be gone meanwhile.
  private func commit(
    _ what: String, _ entry: OpenBatches.Entry, _ rescue: BatchRescue, at now: Timestamp
  ) async -> [RescuedRow]? {
    let done = await context.retry.unlessRefused(what) { () async throws(LedgerError) in
      try await context.ledger.rescue(entry.batch.id, rescue, at: now)
    }
    return if case .success(let rows) = done { rows } else { nil }
  }

  private func note(
    _ entry: OpenBatches.Entry, _ way: String, _ text: Logger.Message, _ count: Int, _ more: Logger.Metadata = [:]
  ) {
    context.metrics.rescued(provider: entry.batch.key.provider, way: way, by: count)
    var metadata = more
    metadata["batch"] = "\(entry.batch.label)"
    metadata["model"] = "\(entry.batch.key.model)"
    metadata["endangered"] = "\(count)"
    metadata["rows"] = "\(entry.batch.rowCount)"
    metadata["way"] = "\(way)"
    context.logger.notice(text, metadata: metadata)
  }
}

extension OpenBatches.Entry {
  var route: Route { Route(provider: batch.key.provider, model: batch.key.model) }
}
