/// Where the endpoints are and who may call them.
public struct AdminConfiguration: Sendable {
  /// A host and a port.
  public struct Address: Sendable, Hashable, CustomStringConvertible {
    public var host: String
    /// 0 lets the kernel choose.
    public var port: Int

    public init(host: String, port: Int) {
      self.host = host
      self.port = port
    }

    public var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
  }

  /// Everything is served here.
  public var listen: Address
  /// Only the probes and the metrics are served here, without a token.
  public var healthListen: Address?
  /// What callers of `listen` present. Empty: nothing.
  public var token: String
  /// How long a connection may be silent, also in the middle of a request.
  public var idleTimeout = Duration.seconds(30)
  /// Connections at once, per listener; further ones wait.
  public var maximumConnections = 256
  /// Bytes of a request's body.
  public var maximumBodyBytes = 65_536

  public init(listen: Address, healthListen: Address? = nil, token: String = "") {
    self.listen = listen
    self.healthListen = healthListen
    self.token = token
  }
}

extension AdminConfiguration: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  public var description: String {
    let health = healthListen.map { ", health on \($0)" } ?? ""
    return "admin on \(listen)\(health), token \(token.isEmpty ? "not set" : "***")"
  }
  public var debugDescription: String { description }
  // The token would be among the stored properties.
  public var customMirror: Mirror { Mirror(self, children: []) }
}
