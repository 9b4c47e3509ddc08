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

  private let context: WorkerContext
  private let planned: BatchInbox
  /// Bounded by the ledger's backlog: a reference for each accepted row at most.
  private let events = Locked([Event]())
  private let ready = Signal()
  private static let sweepPage = 5000
  /// How often rows are taken in that other replicas offer.
  private static let offerInterval = Duration.milliseconds(200)
  /// A batch must be on its way this long before the earliest deadline in it.
  private static let deadlineMargin = Duration.seconds(10)

  init(context: WorkerContext, planned: BatchInbox) {
    self.context = context
    self.planned = planned
  }

  func add(_ rows: [AcceptedRow]) { if !rows.isEmpty { send(.rows(rows)) } }
  func remove(_ rows: [RequestID]) { if !rows.isEmpty { send(.remove(rows)) } }
  /// Looks for accepted rows that no window knows.
  func sweep() { send(.sweep) }
  /// Closes all windows, plans them, and ends `run`.
  func drain() { send(.drain) }

  private func send(_ event: Event) {
    events.withLock { $0.append(event) }
    ready.raise()
  }

  func run() async {
    let configuration = context.configuration
    let providers = context.providers
    var kept = Kept(
      windows: Windows(limits: { key in
        var limits = configuration.deferredWindow
        if let capabilities = providers[key.provider]?.capabilities {
          limits.maximumRequests = min(limits.maximumRequests, capabilities.largestBatchRows)
          limits.maximumBytes = min(limits.maximumBytes, capabilities.largestBatchBytes)
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
      for event in events.withLock({ events in events.takeAll() }) {
        switch event {
        case .rows(let rows): closed += await add(rows, offering: true, to: &kept)
        case .remove(let ids): for id in ids { kept.windows.remove(id.rawValue) }
        case .sweep: closed += await sweep(&kept)
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
    let rows = await kept.share.keep(rows, offering: offering) { key($0, at: wall) }
    let now = context.time.monotonic()
    var closed: [ClosedWindow] = []
    for row in rows where !kept.delayedRows.contains(row.id) {
      if row.notBefore > wall {
        kept.delayedRows.insert(row.id)
        kept.delayed.insert(Delayed(due: now + (row.notBefore - wall), row: row))
        continue
      }
      let key = key(row, at: wall)
      let bytes =
        context.providers[row.route.provider]?.inputSize(
          of: 1, customIDBytes: 48, bodyBytes: row.bytes, modelRangeBytes: 0, model: row.route.model,
          endpoint: row.endpoint) ?? row.bytes
      let item = WindowItem(
        id: row.id.rawValue, tokens: row.tokens, bytes: bytes,
        closeBy: row.deadline.map { now + ($0 - wall - Self.deadlineMargin) },
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
    let plan = BatchPlan(
      key: window.key, rows: window.items.map { RequestID($0) }, label: BatchLabel.make(context.random()),
      account: provider.account, trigger: window.trigger)
    let result = await context.retry("plan a batch") { () async throws(LedgerError) in
      try await context.ledger.plan(plan, at: context.time.now())
    }
    guard let result else { return }
    if !result.expired.isEmpty {
      context.metrics.outcome(lane: .deferred, succeeded: false, by: result.expired.count)
      context.outboxReady.raise()
    }
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

extension Array {
  fileprivate mutating func takeAll() -> [Element] {
    defer { self = [] }
    return self
  }
}
