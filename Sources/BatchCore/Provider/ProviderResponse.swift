/// An HTTP answer of a provider, body byte for byte.
public struct ProviderResponse: Hashable, Sendable {
  public var statusCode: Int
  /// The provider's own id of the exchange, for its support.
  public var requestID: String?
  public var body: [UInt8]

  public init(statusCode: Int, requestID: String?, body: [UInt8]) {
    self.statusCode = statusCode
    self.requestID = requestID
    self.body = body
  }
}
