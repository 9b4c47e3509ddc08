import Threading

/// What the service waits for now, by part. Empty means that nothing is in its way.
public final class HealthBoard: Sendable {
  public enum Part: Hashable, Sendable, Comparable {
    case ledger
    case broker(String)
    case account(String)
    /// Calls of a model at a provider are suspended.
    case gate(provider: String, model: String)
    /// A provider wants to be left alone with this kind of operation.
    case hold(provider: String, String)
    /// Batches of a model wait for room within the limits of their account.
    case room(provider: String, model: String)
    case backlog
    /// Others consume the request queues, which concerns the whole service or only a lane that waits for them.
    case consumers(stopsService: Bool)
    /// A batch that cannot be read now.
    case batch(String)
    /// A batch whose create is not confirmed.
    case unknownBatch(String)
    /// A batch whose key is not configured, and that no other key sees.
    case unreachableBatch(String)

    public var name: String {
      switch self {
      case .ledger: "ledger"
      case .broker(let link): "broker.\(link)"
      case .account(let name): "account.\(name)"
      case .gate(let provider, ""): "gate.\(provider).batches"
      case .gate(let provider, let model): "gate.\(provider).\(model)"
      case .hold(let provider, let operation): "hold.\(provider).\(operation)"
      case .room(let provider, let model): "room.\(provider).\(model)"
      case .backlog: "backlog"
      case .consumers: "consumers"
      case .batch(let label), .unknownBatch(let label), .unreachableBatch(let label): "batch.\(label)"
      }
    }

    public static func < (left: Part, right: Part) -> Bool { left.name < right.name }
  }

  private let problems = Locked([Part: String]())

  public init() {}

  public func report(_ part: Part, _ detail: String) {
    problems.withLock { $0[part] = detail }
  }

  public func clear(_ part: Part) {
    problems.withLock { $0[part] = nil }
  }

  /// Everything that is in the way, by part.
  public var current: [(part: Part, detail: String)] {
    problems.withLock { $0.map { (part: $0.key, detail: $0.value) } }.sorted { $0.part < $1.part }
  }
}
