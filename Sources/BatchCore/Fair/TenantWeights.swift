/// How the shares of tenants that want the same relate; a tenant that is not named has the weight 1.
public struct TenantWeights: Hashable, Sendable {
  /// From 1 to this.
  public static let maximum = 1000

  private let weights: [String: Int]

  public init(_ weights: [String: Int] = [:]) {
    self.weights = weights.mapValues { min(max(1, $0), Self.maximum) }
  }

  /// Of one that is named, or 1.
  public var largest: Int { weights.values.max() ?? 1 }

  public subscript(tenant: String) -> Int { weights[tenant] ?? 1 }
}
