/// A message to publish. Whatever it holds was measured before: see `MessageLimits`.
public struct OutboundMessage: Hashable, Sendable {
  public var exchange: String
  public var routingKey: [UInt8]
  /// Whether an unroutable message comes back as `PublishOutcome.returned`.
  public var mandatory: Bool
  public var properties: MessageProperties
  public var body: [UInt8]

  public init(
    exchange: String, routingKey: [UInt8], mandatory: Bool = true, properties: MessageProperties, body: [UInt8]
  ) {
    self.exchange = exchange
    self.routingKey = routingKey
    self.mandatory = mandatory
    self.properties = properties
    self.body = body
  }
}
