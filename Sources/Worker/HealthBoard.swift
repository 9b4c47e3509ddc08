import Threading

/// What the service waits for now, by part. Empty means that nothing is in its way.
public final class HealthBoard: Sendable {
  public enum Part: Hashable, Sendable, Comparable {
    case ledger
    case broker(String)
    case account(String)
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
