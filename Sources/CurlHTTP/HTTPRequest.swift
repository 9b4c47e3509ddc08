/// One HTTP request.
public struct HTTPRequest: Sendable {
  public var method: String
  /// An absolute `http` or `https` URL.
  public var url: String
  /// Sent as given, in this order. `content-length`, `transfer-encoding` and `expect` are the client's own.
  public var headers: [(name: String, value: String)]
  public var body: HTTPBody?
  public var limits: HTTPLimits
  /// Opens a connection for this request, so that it cannot meet one that the server has just given up.
  ///
  /// For calls whose outcome must not be in doubt, at the price of a handshake. No request is ever sent twice, with or
  /// without it.
  public var freshConnection: Bool

  public init(
    method: String = "GET", url: String, headers: [(name: String, value: String)] = [], body: HTTPBody? = nil,
    limits: HTTPLimits = HTTPLimits(), freshConnection: Bool = false
  ) {
    self.method = method
    self.url = url
    self.headers = headers
    self.body = body
    self.limits = limits
    self.freshConnection = freshConnection
  }
}

/// What is sent after the headers.
public enum HTTPBody: Sendable {
  case bytes([UInt8])
  /// Sent one after another; large ones are not joined first.
  case segments([[UInt8]])
  /// Exactly `length` bytes, pulled while they are sent; always over HTTP/1.1.
  ///
  /// A source that gives fewer or more bytes fails the request, before its last byte is sent.
  case stream(length: Int64, chunks: @Sendable () -> any HTTPBodySource)
}

extension HTTPBody {
  /// Bodies up to this size are handed to libcurl as a copy: header and body then leave in one packet.
  static let copiedSize = 256 << 10

  var length: Int64 {
    switch self {
    case .bytes(let bytes): Int64(bytes.count)
    case .segments(let segments): segments.reduce(0) { $0 + Int64($1.count) }
    case .stream(let length, _): length
    }
  }

  /// The whole body, if it is small; else it is read piece by piece.
  var copied: [UInt8]? {
    guard length <= Self.copiedSize else { return nil }
    switch self {
    case .bytes(let bytes): return bytes
    case .segments(let segments): return Array(segments.joined())
    case .stream(let length, _): return length == 0 ? [] : nil
    }
  }
}

/// A request body that is made while it is sent.
public protocol HTTPBodySource: Sendable {
  /// The next chunk, or nil at the end. Asked for only when there is room for it; at most 512 KiB and one chunk wait.
  ///
  /// It is cancelled when the transfer ends early, and an error of its own ends the transfer.
  mutating func next() async throws -> [UInt8]?
}

/// What one request may take.
public struct HTTPLimits: Sendable {
  /// Name resolution, connection, proxy and TLS handshake together.
  public var connect: Duration
  /// The longest time without a byte in either direction, once connected.
  ///
  /// It stands still while the consumer of a streamed response is what holds the transfer back.
  public var idle: Duration
  /// The whole request, waiting for a free connection included.
  public var total: Duration?
  /// Bytes of the response body, streamed or collected.
  public var maximumResponseBytes: Int

  public init(
    connect: Duration = .seconds(10), idle: Duration = .seconds(60), total: Duration? = nil,
    maximumResponseBytes: Int = 16 << 20
  ) {
    self.connect = connect
    self.idle = idle
    self.total = total
    self.maximumResponseBytes = maximumResponseBytes
  }
}
