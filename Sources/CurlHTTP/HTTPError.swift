/// Why a request did not get its whole response.
public struct HTTPError: Error, Sendable, CustomStringConvertible {
  /// How far an exchange was when its connection was lost.
  public enum ExchangePhase: Sendable, Hashable {
    /// No byte of the response had come.
    case duringRequest
    case duringResponse
  }

  public enum Kind: Sendable, Hashable {
    /// The URL is no absolute http or https URL.
    case badURL
    /// Method or headers cannot be sent.
    case badRequest
    case nameNotResolved
    case connectFailed
    case tlsFailed
    case connectTimeout
    case idleTimeout
    case totalTimeout
    case connectionLost(ExchangePhase)
    /// What came is no HTTP, or breaks its rules or our limits for headers.
    case protocolError
    /// More body bytes than the request allows.
    case responseTooLarge
    /// The source of the request body failed or gave another number of bytes than announced.
    case bodySource
    case cancelled
    /// The client was shut down.
    case shutDown
    /// libcurl could not do its work, for want of memory for example.
    case internalError

    /// A word of a closed vocabulary, for metrics.
    public var metricLabel: String {
      switch self {
      case .badURL: "bad_url"
      case .badRequest: "bad_request"
      case .nameNotResolved: "name_not_resolved"
      case .connectFailed: "connect_failed"
      case .tlsFailed: "tls_failed"
      case .connectTimeout: "connect_timeout"
      case .idleTimeout: "idle_timeout"
      case .totalTimeout: "total_timeout"
      case .connectionLost(.duringRequest): "connection_lost_request"
      case .connectionLost(.duringResponse): "connection_lost_response"
      case .protocolError: "protocol_error"
      case .responseTooLarge: "response_too_large"
      case .bodySource: "body_source"
      case .cancelled: "cancelled"
      case .shutDown: "shut_down"
      case .internalError: "internal_error"
      }
    }
  }

  public var kind: Kind
  /// False only when it is certain that no byte of the request left: then it may be sent again.
  public var requestMayHaveBeenSent: Bool
  /// For people. Names the server but no path, query, credential or header value.
  public var message: String
  /// The error of a body source. It is the caller's own, and no part of `message`.
  public var underlying: (any Error)?

  public init(kind: Kind, requestMayHaveBeenSent: Bool, message: String, underlying: (any Error)? = nil) {
    self.kind = kind
    self.requestMayHaveBeenSent = requestMayHaveBeenSent
    self.message = message
    self.underlying = underlying
  }

  public var description: String { message }
}
