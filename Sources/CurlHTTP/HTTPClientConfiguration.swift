/// How a client connects.
public struct HTTPClientConfiguration: Sendable {
  /// Which proxy requests go through.
  public enum Proxy: Sendable {
    /// `https_proxy`, `http_proxy`, `all_proxy` and `no_proxy`, as libcurl reads them.
    case environment
    case none
    /// A proxy URL, which may hold credentials, and a comma-separated list of hosts that are reached without it.
    case url(String, except: String = "")
  }

  /// A client certificate and its key, as PEM files.
  public struct ClientCertificate: Sendable {
    public var certificateFile: String
    public var keyFile: String
    public var keyPassword: String?

    public init(certificateFile: String, keyFile: String, keyPassword: String? = nil) {
      self.certificateFile = certificateFile
      self.keyFile = keyFile
      self.keyPassword = keyPassword
    }
  }

  public var proxy: Proxy
  /// A PEM bundle that replaces the system's certificate authorities.
  public var caFile: String?
  public var clientCertificate: ClientCertificate?
  /// Requests beyond it wait for a free connection; 0 means no limit.
  public var maxConnectionsPerHost: Int
  /// As above, for all hosts together. As many idle connections are kept.
  public var maxTotalConnections: Int
  /// How long an unused connection is kept. Shorter than what servers and load balancers keep theirs, so that a request
  /// seldom meets one that is being closed.
  public var idleConnectionLifetime: Duration
  /// Negotiates HTTP/2 over TLS; cleartext stays HTTP/1.1.
  public var http2: Bool
  public var userAgent: String
  /// How long a resolved name is kept.
  public var dnsCache: Duration
  /// Whether the thread that serves it has time, so that others are preferred to it.
  public var isBackground = false

  public init(
    proxy: Proxy = .environment, caFile: String? = nil, clientCertificate: ClientCertificate? = nil,
    maxConnectionsPerHost: Int = 0, maxTotalConnections: Int = 1024, idleConnectionLifetime: Duration = .seconds(45),
    http2: Bool = true, userAgent: String = "millrace", dnsCache: Duration = .seconds(60)
  ) {
    self.proxy = proxy
    self.caFile = caFile
    self.clientCertificate = clientCertificate
    self.maxConnectionsPerHost = maxConnectionsPerHost
    self.maxTotalConnections = maxTotalConnections
    self.idleConnectionLifetime = idleConnectionLifetime
    self.http2 = http2
    self.userAgent = userAgent
    self.dnsCache = dnsCache
  }
}
