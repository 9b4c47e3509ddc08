/// Why something asked of the broker did not happen, in one line for the operator. Never holds a password.
public struct AMQPError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What went wrong, from a closed list: fit for a metric label.
  public enum Kind: String, Hashable, Sendable, CaseIterable {
    /// A broker URL, a file or a setting cannot be used.
    case configuration
    /// The host name does not resolve, or nothing answers at the address.
    case unreachable
    /// The TLS handshake failed, or the server's certificate is not the one that was asked for.
    case tls
    /// The broker refuses the user, the virtual host, or a permission.
    case refused
    /// The broker closed the connection.
    case connectionClosed
    /// The broker closed the channel.
    case channelClosed
    /// The connection broke, or the peer fell silent.
    case connectionLost
    /// The broker did not answer in time.
    case timedOut
    /// The broker sent something that is not AMQP 0-9-1.
    case malformed
    /// It was stopped meanwhile.
    case stopped
  }

  public let kind: Kind
  /// The AMQP reply code, where the broker gave one: 404, 406 …
  public let code: UInt16?
  public let description: String

  public init(_ kind: Kind, code: UInt16? = nil, _ description: String) {
    self.kind = kind
    self.code = code
    self.description = description
  }

  /// Whether trying again soon is pointless, because somebody must change something first.
  public var needsOperator: Bool {
    switch kind {
    case .configuration, .tls, .refused: true
    case .unreachable, .connectionClosed, .channelClosed, .connectionLost, .timedOut, .malformed, .stopped: false
    }
  }
}
