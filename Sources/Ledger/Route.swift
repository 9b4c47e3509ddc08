/// A provider and the name that a model has there.
public struct Route: Hashable, Sendable {
  /// The provider's name in the configuration.
  public var provider: String
  public var model: String

  public init(provider: String, model: String) {
    self.provider = provider
    self.model = model
  }
}
