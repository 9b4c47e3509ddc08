public import BatchCore

/// Where the tenant of a request is read.
public enum TenantSource: String, Hashable, Sendable, CaseIterable {
  /// `x-tenant`: the publisher is believed.
  case header
  /// The property `user_id`, which the broker has checked against the login.
  case userID = "user_id"
}

/// What decoding depends on besides the message.
public struct DecodingOptions: Sendable {
  /// Bounds the body, after decompression.
  public var maximumMessageBytes: Int
  public var tenantSource: TenantSource
  /// Containers in containers that a body may have.
  public var maximumDepth: Int
  /// The header that is carried through beside the W3C trace context.
  public var traceIDHeader: String
  /// The endpoint that a body with `input` means for this model; `nil` where the model table does not say.
  public var modelMode: @Sendable (String) -> Endpoint?
  /// The provider's own endpoint, where the model's first route leads to one that speaks otherwise than OpenAI; `nil` where
  /// it does not.
  public var nativeEndpoint: @Sendable (String) -> Endpoint?
  public var isKnownModel: @Sendable (String) -> Bool

  public init(
    maximumMessageBytes: Int = 16_777_216, tenantSource: TenantSource = .header, maximumDepth: Int = 64,
    traceIDHeader: String = "x-batch-trace-id", modelMode: @escaping @Sendable (String) -> Endpoint?,
    nativeEndpoint: @escaping @Sendable (String) -> Endpoint? = { _ in nil },
    isKnownModel: @escaping @Sendable (String) -> Bool
  ) {
    self.maximumMessageBytes = maximumMessageBytes
    self.tenantSource = tenantSource
    self.maximumDepth = maximumDepth
    self.traceIDHeader = traceIDHeader
    self.modelMode = modelMode
    self.nativeEndpoint = nativeEndpoint
    self.isKnownModel = isKnownModel
  }
}
