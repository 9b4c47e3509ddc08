/// Status line and headers of a final response.
public struct HTTPResponseHead: Sendable {
  public var status: Int
  /// Names are lower case, in the order received. Bytes that are no UTF-8 are replaced.
  public var headers: [(name: String, value: String)]
  /// As in the status line: `1.0`, `1.1` or `2`.
  public var httpVersion: String

  public init(status: Int, headers: [(name: String, value: String)], httpVersion: String) {
    self.status = status
    self.headers = headers
    self.httpVersion = httpVersion
  }

  /// The first value of the header with this name, which is given in lower case.
  public subscript(name: String) -> String? {
    headers.first { $0.name == name }?.value
  }
}

/// A response whose body was collected.
public struct HTTPResponse: Sendable {
  public var head: HTTPResponseHead
  public var body: [UInt8]

  public init(head: HTTPResponseHead, body: [UInt8]) {
    self.head = head
    self.body = body
  }
}
