import BatchCore
import Ledger
import Logging
import Threading

/// Says once when a breaker opens and when it closes: on the health board and in the gauges, and by one replica of all in the
/// log and to whoever is told of alerts.
final class BreakerWatch: Sendable {
  private let names: @Sendable (GateKey) -> String
  private let health: HealthBoard
  private let gauges: BreakerGauges
  private let alerts: Alerts
  private let reopenings: Reopenings
  private let open = Locked([GateKey: CircuitBreaker.Cause]())

  /// - Parameter names: the provider's name of a gate.
  init(
    names: @escaping @Sendable (GateKey) -> String, health: HealthBoard, metrics: WorkerMetrics, alerts: Alerts,
    reopenings: Reopenings
  ) {
    self.names = names
    self.health = health
    gauges = BreakerGauges(metrics: metrics)
    self.alerts = alerts
    self.reopenings = reopenings
  }

  /// What this process alone decides about.
  func saw(_ key: GateKey, _ state: CircuitBreaker.State) {
    switch state {
    case .closed: closed(key, isNews: true)
    case .open(let cause, _): opened(key, cause, .open, isNews: true)
    case .probing(let cause, _, _): opened(key, cause, .probing, isNews: true)
    }
  }

  /// What replicas share.
  ///
  /// - Parameter isNews: whether it was this process that changed it, and so is the one to say so.
  func saw(_ key: GateKey, _ verdict: PaceGrant.Verdict, isNews: Bool) {
    switch verdict {
    case .closed: closed(key, isNews: isNews)
    case .refuse(let cause, _): opened(key, cause, .open, isNews: isNews)
    case .probe(let cause), .probing(let cause): opened(key, cause, .probing, isNews: isNews)
    }
  }

  /// This process was told to close it, whether or not it had seen it open.
  func wasClosed(_ key: GateKey, _ cause: CircuitBreaker.Cause) {
    opened(key, cause, .open, isNews: false)
    closed(key, isNews: true)
  }

  private func opened(
    _ key: GateKey, _ cause: CircuitBreaker.Cause, _ state: BreakerGauges.State, isNews: Bool
  ) {
    let isNew = open.withLock { open in
      defer { open[key] = cause }
      return open[key] != cause
    }
    gauges.set(provider: names(key), model: key.model, state)
    guard isNew else { return }
    let text = Self.text(names(key), key.model, cause)
    health.report(.gate(provider: names(key), model: key.model), text)
    alerts.raise(.breakerOpen(provider: names(key), model: key.model), text, isNews: isNews)
  }

  private func closed(_ key: GateKey, isNews: Bool) {
    guard open.withLock({ $0.removeValue(forKey: key) }) != nil else { return }
    gauges.set(provider: names(key), model: key.model, .closed)
    health.clear(.gate(provider: names(key), model: key.model))
    alerts.clear(.breakerOpen(provider: names(key), model: key.model), isNews: isNews)
    reopenings.add(key)
  }

  private static func text(_ provider: String, _ model: String, _ cause: CircuitBreaker.Cause) -> String {
    let what = model.isEmpty ? "batches of \(provider)" : "calls of \(model) at \(provider)"
    return switch cause {
    case .failures:
      "\(what) are suspended: too many failed; requests wait or take their next route, and one call tries now and then"
    case .fault(.unauthorised):
      "\(what) are suspended: the key is refused; check the provider's api_key, one call tries now and then"
    case .fault(.billing):
      "\(what) are suspended: credit or quota is used up; see to the account's billing, one call tries now and then"
    case .askedTooLong:
      "\(what) are suspended: the provider asks for a pause beyond execution.max_retry_after; one call tries after that"
    }
  }
}
