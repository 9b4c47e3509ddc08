/// Whom a request is charged to, as its publisher says.
public struct CostTags: Hashable, Sendable {
  public static let defaultTenant = "default"

  /// `default` where the publisher names none.
  public var tenant: String
  public var costCenter: String?
  public var user: String?
  public var service: String?
  public var environment: String?

  public init(
    tenant: String = CostTags.defaultTenant, costCenter: String? = nil, user: String? = nil, service: String? = nil,
    environment: String? = nil
  ) {
    self.tenant = tenant
    self.costCenter = costCenter
    self.user = user
    self.service = service
    self.environment = environment
  }
}
