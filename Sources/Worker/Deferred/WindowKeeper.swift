import BatchCore
import HeapModule
import Ledger
import Logging
import Threading

/// Runs the windows of the deferred lane: rows in, planned batches out.
///
/// It holds references only. A row that is lost here, by a crash or a failed plan, is still accepted in the ledger and
/// comes back with the next sweep; a row that is here twice is planned once.
final class WindowKeeper: Sendable {
  private enum Event: Sendable {
    case rows([AcceptedRow])
    case remove([RequestID])
    case sweep
    case reopened(String)
    case drain
  }

  private struct Delayed: Comparable {
    var due: Timestamp
    var row: AcceptedRow

    static func < (left: Delayed, right: Delayed) -> Bool { left.due < right.due }
    static func == (left: Delayed, right: Delayed) -> Bool { left.due == right.due && left.row.id == right.row.id }
  }

  private struct Kept: ~Copyable {
    var windows: Windows
    var delayed = Heap<Delayed>()
    var delayedRows: Set<RequestID> = []
    var share: WindowShare
  }

  let context: WorkerContext
  private let planned: BatchInbox
  /// The ledger has parked rows to be sent.
  let parked: @Sendable () -> Void
  /// Bounded by the ledger's backlog: a reference for each accepted row at most.
  private let events = Locked([Event]())
  private let ready = Signal()
  private static let sweepPage = 5000
  /// How often rows are taken in that other replicas offer.
  private static let offerInterval = Duration.milliseconds(200)

  init(context: WorkerContext, planned: BatchInbox, parked: @escaping @Sendable () -> Void) {
    self.context = context
    self.planned = planned
    self.parked = parked
  }

  func add(_ rows: [AcceptedRow]) { if !rows.isEmpty { send(.rows(rows)) } }
  func remove(_ rows: [RequestID]) { if !rows.isEmpty { send(.remove(rows)) } }
  /// Looks for accepted rows that no window knows.
  func sweep() { send(.sweep) }
  /// Batches of the provider may be sent again: what waits for that need not wait for the time that it was told.
  func reopened(_ provider: String) { send(.reopened(provider)) }
  /// Closes all windows, plans them, and ends `run`.
  func drain() { send(.drain) }

  private func send(_ event: Event) {
    events.withLock { $0.append(event) }
    ready.raise()
  }

  func run() async {
    let configuration = context.configuration
    let providers = context.providers
    let room = context.room
    var kept = Kept(
      windows: Windows(limits: { key in
        var limits = configuration.deferredWindow
        if let provider = providers[key.provider] {
          let capabilities = provider.capabilities
          limits.maximumRequests = min(limits.maximumRequests, capabilities.largestBatchRows)
          limits.maximumBytes = min(limits.maximumBytes, capabilities.largestBatchBytes)
          limits.maximumTokens = min(limits.maximumTokens, capabilities.largestBatchTokens ?? .max)
          limits = room.window(for: key, account: provider.account, limits)
        }
        return limits
      }), share: WindowShare(context: context))
    // Rows that were accepted but never reached a window: an earlier process's, or ours after a failed plan.
    let sweepInterval = configuration.deferredWindow.maximumAge
    var nextSweep = context.time.monotonic() + sweepInterval
    var nextOffers = context.time.monotonic()
    while !Task.isCancelled {
      var draining = false
      var closed: [ClosedWindow] = []
      let taken = events.withLock { events in
        defer { events = [] }
        return events
      }
      for event in taken {
        switch event {
        case .rows(let rows): closed += await add(rows, offering: true, to: &kept)
        case .remove(let ids): for id in ids { kept.windows.remove(id.rawValue) }
        case .sweep: closed += await sweep(&kept)
        case .reopened(let provider):
          forget(provider, &kept)
          closed += await sweep(&kept)
        case .drain: draining = true
        }
      }
      let now = context.time.monotonic()
      if now >= nextSweep {
        closed += await sweep(&kept)
        nextSweep = now + sweepInterval
      }
      closed += await release(&kept, at: now)
      if kept.share.takesOffers, now >= nextOffers || draining {
        closed += await add(await kept.share.offered(), offering: false, to: &kept)
        nextOffers = now + Self.offerInterval
      }
      closed += draining ? kept.windows.drain() : kept.windows.tick(now)
      for window in closed { await plan(window) }
      if draining { return }
      var wake = [kept.windows.nextDeadline, kept.delayed.min?.due, nextSweep].compactMap { $0 }.min() ?? nextSweep
      if kept.share.takesOffers { wake = min(wake, nextOffers) }
      let wait = wake - context.time.monotonic()
      if wait > .zero { _ = await ready.wait(upTo: wait, context.time) }
    }
  }

  private func key(_ row: AcceptedRow, at wall: Timestamp) -> WindowKey {
    WindowKey(
      lane: .deferred, provider: row.route.provider, model: row.route.model, endpoint: row.endpoint,
      deadlineClass: DeadlineClass.of(deadline: row.deadline, now: wall))
  }

  private func add(_ rows: [AcceptedRow], offering: Bool, to kept: inout Kept) async -> [ClosedWindow] {
    let wall = context.time.now()
    let routed = await route(rows, at: wall)
    await count(routed)
    let left = await expedite(routed, at: wall)
    let rows = await kept.share.keep(left, offering: offering) { key($0, at: wall) }
    let now = context.time.monotonic()
    var closed: [ClosedWindow] = []
    for row in rows where !kept.delayedRows.contains(row.id) {
      if row.notBefore > wall {
        kept.delayedRows.insert(row.id)
        let due = min(row.notBefore, cutOff(of: row) ?? row.notBefore)
        kept.delayed.insert(Delayed(due: now + (due - wall), row: row))
        continue
      }
      let key = key(row, at: wall)
      let bytes =
        context.providers[row.route.provider]?.inputSize(
          of: 1, customIDBytes: 48, bodyBytes: row.bytes, modelRangeBytes: 0, model: row.route.model,
          endpoint: row.endpoint) ?? row.bytes
      let item = WindowItem(
        id: row.id.rawValue, tokens: row.tokens, bytes: bytes,
        closeBy: row.deadline.map { closing(cutOff(of: row) ?? $0, deadline: $0, at: wall, now) },
        arrivedAt: row.attempts == 0 ? now + (row.receivedAt - wall) : now)
      closed += kept.windows.add(item, to: key, at: now)
    }
    return closed
  }

  private func release(_ kept: inout Kept, at now: Timestamp) async -> [ClosedWindow] {
    var due: [AcceptedRow] = []
    while let next = kept.delayed.min, next.due <= now {
      kept.delayed.removeMin()
      kept.delayedRows.remove(next.row.id)
      var row = next.row
      row.notBefore = Timestamp(milliseconds: .min)
      due.append(row)
    }
    return due.isEmpty ? [] : await add(due, offering: true, to: &kept)
  }

  /// Drops what is known of waits of the provider's rows. The ledger knows those that are the rows' own.
  private func forget(_ provider: String, _ kept: inout Kept) {
    kept.delayedRows.subtract(kept.delayed.unordered.lazy.filter { $0.row.route.provider == provider }.map(\.row.id))
    kept.delayed = Heap(kept.delayed.unordered.filter { $0.row.route.provider != provider })
  }

  private func sweep(_ kept: inout Kept) async -> [ClosedWindow] {
    var after: RequestID?
    var closed: [ClosedWindow] = []
    while !Task.isCancelled {
      let from = after
      let page = await context.retry("look for accepted requests") { () async throws(LedgerError) in
        try await context.ledger.acceptedRows(after: from, limit: Self.sweepPage)
      }
      guard let page, let last = page.last else { break }
      after = last.id
      closed += await add(
        page.filter { !kept.windows.contains($0.id.rawValue) && !kept.delayedRows.contains($0.id) }, offering: false,
        to: &kept)
      // Planned before the next page, so that a large backlog is not held as closed windows.
      for window in closed { await plan(window) }
      closed = []
      if page.count < Self.sweepPage { break }
    }
    return closed
  }

  private func plan(_ window: ClosedWindow) async {
    context.metrics.windowClosed(lane: .deferred, trigger: window.trigger)
    guard let provider = context.providers[window.key.provider] else { return }
    // Learned while the window was open.
    guard provider.capabilities.batches else {
      return await expedite(window.items.map { RequestID($0) }, at: context.time.now())
    }
    let route = Route(provider: window.key.provider, model: window.key.model)
    var cutOff: Timestamp?
    if window.key.deadlineClass != 0 {
      // With all that would be due with it. Where that cannot be read, what is known has to do.
      _ = await context.deadlines.look(route, account: provider.account, context.ledger, counted: true)
      cutOff = context.deadlines.horizon(route, account: provider.account, now: context.time.now())
    }
    let plan = BatchPlan(
      key: window.key, rows: window.items.map { RequestID($0) }, label: BatchLabel.make(context.random()),
      account: provider.account, trigger: window.trigger, cutOff: cutOff,
      price: context.price(of: route))
    var tries = 0
    let result = await context.retry("plan a batch") { () async throws(LedgerError) in
      tries += 1
      return try await context.ledger.plan(plan, at: context.time.now())
    }
    guard let result else { return }
    if tries > 1 {
      // Steps before the failure may have answered rows, or parked them.
      context.outboxReady.raise()
      parked()
    }
    if !result.expired.isEmpty {
      context.metrics.outcome(lane: .deferred, succeeded: false, by: result.expired.count)
      context.outboxReady.raise()
    }
    expedited(result.expedited.count)
    guard let batch = result.batch else { return }
    context.logger.info(
      "Batch planned",
      metadata: [
        "batch": "\(batch.label)", "model": "\(window.key.model)", "rows": "\(batch.rowCount)",
        "tokens": "\(batch.tokens)", "trigger": "\(window.trigger)",
      ])
    planned.send(batch)
  }
}
