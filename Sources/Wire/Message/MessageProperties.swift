/// The basic properties of an AMQP message. Short strings are bytes, since the broker does not check that they are UTF-8.
public struct MessageProperties: Hashable, Sendable {
  public var contentType: [UInt8]?
  public var contentEncoding: [UInt8]?
  public var headers: FieldTable?
  /// 1 transient, 2 persistent.
  public var deliveryMode: UInt8?
  public var priority: UInt8?
  public var correlationID: [UInt8]?
  public var replyTo: [UInt8]?
  public var expiration: [UInt8]?
  public var messageID: [UInt8]?
  /// Seconds since 1970.
  public var timestamp: UInt64?
  public var type: [UInt8]?
  public var userID: [UInt8]?
  public var appID: [UInt8]?
  public var clusterID: [UInt8]?

  public init() {}
}
