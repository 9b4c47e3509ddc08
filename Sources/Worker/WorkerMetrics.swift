import BatchCore
public import CoreMetrics
import Ledger
import Metrics

/// The worker's counters and gauges. Dimensions come from closed enums, from configured names, and from so many names of
/// models as `ModelNames` tells apart.
public struct WorkerMetrics: Sendable {
  private let factory: any MetricsFactory
  let models = ModelNames()

  public init(factory: any MetricsFactory) {
    self.factory = factory
  }

  /// Names without prefix, with their help texts.
  public static let descriptions: [String: String] = [
    "deliveries": "Deliveries by lane and by what the ledger made of them.",
    "deliveries_held": "Interactive deliveries that wait unacked for their reply's confirm.",
    "windows_closed": "Windows closed, by lane and by what closed them.",
    "batches": "Batches, by provider and by what happened to them.",
    "batches_unknown":
      "Batches whose fate is unknown, by provider and kind: unknown (create not confirmed) or unreachable.",
    "batches_unknown_oldest_seconds": "Age of the oldest batch whose fate is unknown, by provider and kind.",
    "breaker_state":
      """
    Circuit breakers that have been open, by provider and model (empty: its batches; other: the worst of those beyond \
    \(BreakerGauges.mostModels)): 0 closed, 1 open, 2 probing.
    """,
    "alerts": "Alerts that an operator must see to, by kind.",
    "rerouted": "Requests that were sent another way since their route was closed, by provider from and to.",
    "enqueued_tokens":
      "Tokens that unfinished batches have reserved, as estimated, by provider and model (the first \(ModelNames.most)).",
    "enqueued_tokens_limit": "Cap on enqueued tokens by configuration and by what was learned, by provider and model.",
    "batch_creates_hour": "Batches created within the last hour, those about to be included, by provider.",
    "batch_creates_hour_limit": "Limit of batches created within an hour, configured or learned, by provider.",
    "holds": "Pauses that providers have asked for, by provider and kind of operation: 1 while it lasts.",
    "batch_files": "Files of batches that are over, by provider and by what became of them: deleted or left.",
    "purged": "What the retention removed from the ledger, by kind: requests, bodies, batches.",
    "batch_rows": "Result rows of batches, by provider and disposition.",
    "provider_calls": "Synchronous calls, by provider and disposition.",
    "provider_call_seconds": "Duration of synchronous calls, by provider.",
    "tokens": "Tokens that providers reported, by provider and kind.",
    "cost_picousd": "Settled cost in pico-USD, by provider and lane.",
    "replies": "Replies, by what the broker made of them.",
    "dead_letters": "Dead letters, by error code.",
    "outcomes": "Requests with an outcome, by lane and status.",
    "backlog_requests":
      "Requests in the ledger without an outcome, by lane and model (other: beyond \(ModelNames.most)).",
    "backlog_tokens": "Estimated tokens of the backlog, by lane and model.",
    "backlog_oldest_seconds": "Age of the oldest request in the backlog, by lane and model.",
    "backlog_next_deadline_seconds": "Seconds until the next deadline in the backlog is missed, by lane and model.",
    "unreadable_results": "Result lines that named no request of their batch, by provider.",
    "superseded": "Results of attempts whose request had its outcome already, by provider.",
  ].merging(deadlineDescriptions) { first, _ in first }

  func count(_ label: String, _ dimensions: [(String, String)], by amount: Int = 1) {
    if amount == 0 { return }
    Counter(label: label, dimensions: dimensions, factory: factory).increment(by: amount)
  }

  func set(_ label: String, _ dimensions: [(String, String)], _ value: Double) {
    Gauge(label: label, dimensions: dimensions, factory: factory).record(value)
  }

  func delivered(lane: Lane, _ admissions: [Admission]) {
    var counts: [String: Int] = [:]
    for admission in admissions {
      let kind =
        switch admission.kind {
        case .new: "new"
        case .takenOver: "taken_over"
        case .inFlight: "in_flight"
        case .answered: "answered"
        case .refused: "refused"
        }
      counts[kind, default: 0] += 1
    }
    for (kind, amount) in counts { count("deliveries", [("lane", lane.name), ("result", kind)], by: amount) }
  }

  func held(_ amount: Int) { set("deliveries_held", [], Double(amount)) }

  func windowClosed(lane: Lane, trigger: WindowTrigger) {
    count("windows_closed", [("lane", lane.name), ("trigger", "\(trigger)")])
  }

  func batch(provider: String, event: String, by amount: Int = 1) {
    count("batches", [("provider", provider), ("event", event)], by: amount)
  }

  /// Every provider has its gauges, so that an alert can tell zero from nothing.
  func unknown(_ entries: [UnknownBatches.Entry], providers: some Sequence<String>, now: Timestamp) {
    for provider in providers {
      for kind in UnknownBatches.Kind.allCases {
        let found = entries.filter { $0.provider == provider && $0.kind == kind }
        let oldest = found.map(\.since).min().map { now - $0 } ?? .zero
        let dimensions = [("provider", provider), ("kind", kind.rawValue)]
        set("batches_unknown", dimensions, Double(found.count))
        set("batches_unknown_oldest_seconds", dimensions, Double(max(0, oldest.wholeMilliseconds)) / 1000)
      }
    }
  }

  /// - Parameter model: one of a bounded number.
  func breaker(provider: String, model: String, _ state: BreakerGauges.State) {
    set("breaker_state", [("provider", provider), ("model", model)], Double(state.rawValue))
  }

  func forgetBreaker(provider: String, model: String) {
    Gauge(label: "breaker_state", dimensions: [("provider", provider), ("model", model)], factory: factory).destroy()
  }

  func alerts(_ kind: String, _ active: Int) { set("alerts", [("kind", kind)], Double(active)) }

  func rerouted(from: String, to: String, by amount: Int) {
    count("rerouted", [("from", from), ("to", to)], by: amount)
  }

  /// - Parameters:
  ///   - cap: nil while nobody knows one.
  ///   - createLimit: likewise.
  func room(provider: String, model: String, enqueued: Int64, cap: Int64?, creates: Int, createLimit: Int?) {
    let both = [("provider", provider), ("model", model)]
    if models.isOwn(model) {
      set("enqueued_tokens", both, Double(enqueued))
      if let cap { set("enqueued_tokens_limit", both, Double(cap)) }
    }
    set("batch_creates_hour", [("provider", provider)], Double(creates))
    if let createLimit { set("batch_creates_hour_limit", [("provider", provider)], Double(createLimit)) }
  }

  func hold(provider: String, operation: ProviderOperation, isActive: Bool) {
    set("holds", [("provider", provider), ("operation", operation.rawValue)], isActive ? 1 : 0)
  }

  func file(provider: String, event: String) { count("batch_files", [("provider", provider), ("event", event)]) }

  func purged(_ rows: PurgedRows) {
    for (kind, amount) in [("requests", rows.requests), ("bodies", rows.bodies), ("batches", rows.batches)] {
      count("purged", [("kind", kind)], by: amount)
    }
  }

  func rows(provider: String, _ results: [BatchResult]) {
    var counts: [String: Int] = [:]
    for result in results { counts[result.disposition.label, default: 0] += 1 }
    for (label, amount) in counts {
      count("batch_rows", [("provider", provider), ("disposition", label)], by: amount)
    }
  }

  func call(provider: String, disposition: Disposition, duration: Duration) {
    count("provider_calls", [("provider", provider), ("disposition", disposition.label)])
    Timer(label: "provider_call_seconds", dimensions: [("provider", provider)], factory: factory)
      .recordNanoseconds(duration.wholeMilliseconds.multipliedReportingOverflow(by: 1_000_000).partialValue)
  }

  func usage(provider: String, lane: Lane, _ usages: [Usage], cost: [PicoUSD]) {
    let input = usages.reduce(0) { $0 &+ $1.inputTokens }
    let cached = usages.reduce(0) { $0 &+ $1.cachedInputTokens }
    let output = usages.reduce(0) { $0 &+ $1.outputTokens }
    count("tokens", [("provider", provider), ("kind", "input")], by: Int(clamping: input))
    count("tokens", [("provider", provider), ("kind", "cached_input")], by: Int(clamping: cached))
    count("tokens", [("provider", provider), ("kind", "output")], by: Int(clamping: output))
    let sum = cost.reduce(0) { $0 &+ $1.value }
    count("cost_picousd", [("provider", provider), ("lane", lane.name)], by: Int(clamping: sum))
  }

  func replies(_ outcome: String, by amount: Int) { count("replies", [("outcome", outcome)], by: amount) }
  func deadLetter(_ code: FailureCode) { count("dead_letters", [("code", code.rawValue)]) }
  func outcome(lane: Lane, succeeded: Bool, by amount: Int = 1) {
    count("outcomes", [("lane", lane.name), ("status", succeeded ? "succeeded" : "failed")], by: amount)
  }
  func unreadable(provider: String, by amount: Int) {
    count("unreadable_results", [("provider", provider)], by: amount)
  }
  func superseded(provider: String, by amount: Int) { count("superseded", [("provider", provider)], by: amount) }
}

extension Disposition {
  /// A bounded word for metrics.
  var label: String {
    switch self {
    case .succeeded: "succeeded"
    case .rejected: "rejected"
    case .rateLimited: "rate_limited"
    case .retryable: "retryable"
    case .accountClosed(.unauthorised): "unauthorised"
    case .accountClosed(.billing): "billing"
    case .notExecuted(.expired): "expired"
    case .notExecuted(.cancelled): "cancelled"
    case .notExecuted(.failed): "failed"
    }
  }
}
