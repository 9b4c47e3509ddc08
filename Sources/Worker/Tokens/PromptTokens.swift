/// The input tokens of a request.
public struct PromptTokens: Hashable, Sendable {
  /// What the provider is expected to count, at least 1.
  public var estimate: Int64
  /// What it counts at the least of what has to fit into the model's context: a request is refused for no more than this.
  public var least: Int64

  public init(estimate: Int64, least: Int64) {
    self.estimate = estimate
    self.least = least
  }
}
