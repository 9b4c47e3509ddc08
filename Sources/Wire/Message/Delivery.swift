/// A message as the broker delivered it.
public struct Delivery: Hashable, Sendable {
  public var token: DeliveryToken
  public var exchange: [UInt8]
  public var routingKey: [UInt8]
  public var redelivered: Bool
  public var properties: MessageProperties
  public var body: [UInt8]

  public init(
    token: DeliveryToken, exchange: [UInt8], routingKey: [UInt8], redelivered: Bool, properties: MessageProperties,
    body: [UInt8]
  ) {
    self.token = token
    self.exchange = exchange
    self.routingKey = routingKey
    self.redelivered = redelivered
    self.properties = properties
    self.body = body
  }
}
