/// What is said of one of Azure's deployments, which routes name as their model.
public struct AzureDeployment: Sendable, Equatable {
  /// The deployment that its batches use, of a type for batches. Empty: itself.
  public var batch: String
  /// The model that it deploys, for its price. Empty: unknown.
  public var model: String

  public init(batch: String = "", model: String = "") {
    self.batch = batch
    self.model = model
  }
}
