/// What requests must share to travel in one batch.
public struct WindowKey: Hashable, Sendable {
  public var lane: Lane
  /// The name of the provider in the configuration.
  public var provider: String
  /// The name of the model at that provider.
  public var model: String
  public var endpoint: Endpoint
  /// Requests whose deadlines are alike; 0 without a deadline.
  public var deadlineClass: UInt8

  public init(lane: Lane, provider: String, model: String, endpoint: Endpoint, deadlineClass: UInt8) {
    self.lane = lane
    self.provider = provider
    self.model = model
    self.endpoint = endpoint
    self.deadlineClass = deadlineClass
  }
}
