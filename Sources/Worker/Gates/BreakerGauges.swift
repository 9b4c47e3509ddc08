import Threading

/// The gauges of breakers, in a bounded number.
///
/// Publishers make up the names of models, where a pattern routes them. So only so many have a gauge of their own, and give
/// it up for another when their breaker is closed; the others of a provider share one, which shows the worst of them.
final class BreakerGauges: Sendable {
  /// The numbers are those of the gauge.
  enum State: Int {
    case closed = 0
    case open = 1
    case probing = 2
  }

  private struct Key: Hashable {
    var provider: String
    var model: String
  }

  private struct Names {
    var own: [Key: State] = [:]
    /// Of those without a gauge, what is not closed.
    var others: [Key: State] = [:]
  }

  static let mostModels = 100
  static let otherModels = "other"
  private let names = Locked(Names())
  private let metrics: WorkerMetrics

  init(metrics: WorkerMetrics) {
    self.metrics = metrics
  }

  func set(provider: String, model: String, _ state: State) {
    let key = Key(provider: provider, model: model)
    names.withLock { names in
      // Within the lock, so that the gauge ends with what was set last.
      if names.others[key] == nil, takesGauge(key, state, &names) {
        names.own[key] = state
        return metrics.breaker(provider: provider, model: model, state)
      }
      names.others[key] = state == .closed ? nil : state
      let states = names.others.lazy.filter { $0.key.provider == provider }.map(\.value)
      metrics.breaker(
        provider: provider, model: Self.otherModels,
        states.contains(.open) ? .open : states.contains(.probing) ? .probing : .closed)
    }
  }

  /// Whether it has a gauge of its own, or gets one now.
  private func takesGauge(_ key: Key, _ state: State, _ names: inout Names) -> Bool {
    if names.own[key] != nil || names.own.count < Self.mostModels { return true }
    guard state != .closed, let idle = names.own.first(where: { $0.value == .closed })?.key else { return false }
    names.own[idle] = nil
    metrics.forgetBreaker(provider: idle.provider, model: idle.model)
    return true
  }
}
