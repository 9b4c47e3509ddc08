/// One HTTP request with its answer.
public enum HTTPExchange {
  public typealias Header = (name: String, value: String)

  public struct Request: Sendable {
    public var method: String
    public var url: String
    public var headers: [Header]
    public var body: Body?
    public var limits: Limits
    /// The transport must not send it a second time by itself, not even on a fresh connection: it may create or cost
    /// something.
    public var mustNotRepeat: Bool

    public init(
      method: String, url: String, headers: [Header] = [], body: Body? = nil, limits: Limits,
      mustNotRepeat: Bool = false
    ) {
      self.method = method
      self.url = url
      self.headers = headers
      self.body = body
      self.limits = limits
      self.mustNotRepeat = mustNotRepeat
    }
  }

  public struct Limits: Hashable, Sendable {
    /// Until a connection stands, TLS included.
    public var connect: Duration
    /// Without a byte in either direction.
    public var idle: Duration
    /// For the whole exchange; `nil` for as long as bytes move.
    public var total: Duration?
    public var maximumResponseBytes: Int

    public init(connect: Duration, idle: Duration, total: Duration?, maximumResponseBytes: Int) {
      self.connect = connect
      self.idle = idle
      self.total = total
      self.maximumResponseBytes = maximumResponseBytes
    }
  }

  public enum Body: Sendable {
    case bytes([UInt8])
    /// Sent one after the other, so that large parts need not be joined first.
    case segments([[UInt8]])
    /// Exactly `length` bytes, read once.
    case stream(length: Int64, any ByteSource)
  }

  /// Bytes that are read a chunk at a time, by one reader.
  public protocol ByteSource: Sendable {
    /// The next bytes, or `nil` after the last.
    func next() async throws(Failure) -> [UInt8]?
  }

  public struct Response: Sendable {
    public var status: Int
    public var headers: [Header]
    public var body: [UInt8]

    public init(status: Int, headers: [Header] = [], body: [UInt8] = []) {
      self.status = status
      self.headers = headers
      self.body = body
    }
  }

  public struct OpenResponse: Sendable {
    public var status: Int
    public var headers: [Header]
    /// Fails if the connection ends before the body does.
    public var body: any ByteSource

    public init(status: Int, headers: [Header], body: any ByteSource) {
      self.status = status
      self.headers = headers
      self.body = body
    }
  }
}

extension HTTPExchange.Request: CustomStringConvertible, CustomDebugStringConvertible {
  /// Method and URL; never headers, which hold the key.
  public var description: String { "\(method) \(url)" }
  public var debugDescription: String { description }
}

extension HTTPExchange.Response {
  /// The first value of a header; the name's case does not matter.
  public func header(_ name: String) -> String? {
    let name = name.lowercased()
    return headers.first { $0.name.lowercased() == name }?.value
  }
}
