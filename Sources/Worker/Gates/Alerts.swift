public import Logging
import Threading

/// What an operator must see to. Each is said once until it is over: in the log at error, as a gauge, and to a webhook if
/// there is one. Of what replicas share one of them says it, and all have the gauge.
public final class Alerts: Sendable {
  public enum Kind: Hashable, Sendable {
    case breakerOpen(provider: String, model: String)
    /// A provider asks for a longer pause than is obeyed, or for one that cannot be read.
    case retryAfter(provider: String)
    /// A budget is nearly used up.
    case budget(key: String)

    /// A bounded word for metrics and for whoever receives it.
    public var name: String {
      switch self {
      case .breakerOpen: "breaker_open"
      case .retryAfter: "retry_after"
      case .budget: "budget"
      }
    }
  }

  public struct Alert: Sendable {
    public var kind: Kind
    public var isRaised: Bool
    public var text: String
  }

  private let logger: Logger
  private let metrics: WorkerMetrics
  private let deliver: @Sendable (Alert) -> Void
  private let active = Locked([Kind: String]())

  /// - Parameter deliver: Must not block; for a webhook.
  public init(logger: Logger, metrics: WorkerMetrics, deliver: @escaping @Sendable (Alert) -> Void = { _ in }) {
    self.logger = logger
    self.metrics = metrics
    self.deliver = deliver
  }

  /// - Parameter isNews: Whether this process is the one of all replicas that says it; the others only know it.
  public func raise(_ kind: Kind, _ text: String, isNews: Bool = true) {
    let (isNew, count) = active.withLock { active in
      defer { active[kind] = text }
      return (active[kind] != text, active.keys.count { $0.name == kind.name } + (active[kind] == nil ? 1 : 0))
    }
    guard isNew else { return }
    metrics.alerts(kind.name, count)
    guard isNews else {
      return logger.notice("Another replica has said: \(text)", metadata: ["alert": "\(kind.name)"])
    }
    logger.error("\(text)", metadata: ["alert": "\(kind.name)"])
    deliver(Alert(kind: kind, isRaised: true, text: text))
  }

  public func clear(_ kind: Kind, isNews: Bool = true) {
    let (text, count) = active.withLock { active in
      let text = active.removeValue(forKey: kind)
      return (text, active.keys.count { $0.name == kind.name })
    }
    guard let text else { return }
    metrics.alerts(kind.name, count)
    logger.notice("It is over: \(text)", metadata: ["alert": "\(kind.name)"])
    if isNews { deliver(Alert(kind: kind, isRaised: false, text: text)) }
  }
}
