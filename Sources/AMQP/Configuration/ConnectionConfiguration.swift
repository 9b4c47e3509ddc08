/// How to reach a broker.
public struct ConnectionConfiguration: Hashable, Sendable {
  /// One node of the broker.
  public struct Endpoint: Hashable, Sendable, CustomStringConvertible {
    /// A name or an address; an IPv6 address without its brackets.
    public var host: String
    public var port: UInt16

    public init(host: String, port: UInt16) {
      self.host = host
      self.port = port
    }

    public var description: String { host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]:\(port)" : "\(host):\(port)" }
  }

  /// Tried in random order, each at most once before the next wait.
  public var endpoints: [Endpoint]
  public var virtualHost: String
  public var user: String
  public var password: Password
  /// `nil` connects in plain text.
  public var tls: TLSConfiguration?
  /// Whole seconds; what the broker asks for is used where it is shorter. At most 65535 s.
  public var heartbeat: Duration = .seconds(15)
  /// Bounds the TCP connection and the TLS handshake to one address, and then the login.
  public var connectTimeout: Duration = .seconds(10)
  /// How long the broker may take to answer a method; afterwards the connection is replaced.
  public var rpcTimeout: Duration = .seconds(20)
  /// Shown by the broker's management pages and logs.
  public var connectionName: String
  /// In bytes; the broker may ask for less.
  public var frameMax: Int = 131_072

  /// Whether the thread that serves it has time, so that others are preferred to it.
  public var isBackground = false

  public init(
    endpoints: [Endpoint], virtualHost: String = "/", user: String = "guest", password: Password = Password("guest"),
    tls: TLSConfiguration? = nil, connectionName: String = "millrace"
  ) {
    self.endpoints = endpoints
    self.virtualHost = virtualHost
    self.user = user
    self.password = password
    self.tls = tls
    self.connectionName = connectionName
  }

  /// The same with another name, for the second connection of one service.
  public func named(_ name: String) -> ConnectionConfiguration {
    var copy = self
    copy.connectionName = name
    return copy
  }
}
