/// Which price list an attempt was billed by.
public enum CostBasis: UInt8, Hashable, Sendable {
  /// The synchronous price.
  case list = 0
  /// The native batch price.
  case batch = 1
  /// A stored answer was given again, at no cost.
  case replay = 2
  /// The model has no known price. Unknown is not zero.
  case unknown = 3

  public var name: String {
    switch self {
    case .list: "list"
    case .batch: "batch"
    case .replay: "replay"
    case .unknown: "unknown"
    }
  }
}
