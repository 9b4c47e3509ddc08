import Glibc

/// One side of a TCP connection with blocking calls, for one thread.
final class TestConnection {
  struct Failure: Error { var what: String }

  struct Request {
    var method = ""
    var target = ""
    var headers: [String: String] = [:]
    var body: [UInt8] = []
    var length: Int { Int(headers["content-length"] ?? "0") ?? 0 }
  }

  let descriptor: CInt
  private var buffer: [UInt8] = []
  private var scratch = [UInt8](repeating: 0, count: 64 << 10)

  init(_ descriptor: CInt) { self.descriptor = descriptor }

  /// Connects to a loopback port.
  static func connect(port: UInt16) throws -> TestConnection {
    let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
    var address = TestServer.loopback(port: port)
    let status = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard status == 0 else { throw Failure(what: "connect: \(errno)") }
    return TestConnection(descriptor)
  }

  /// The next bytes, or none at the end.
  func receive() throws -> [UInt8] {
    if !buffer.isEmpty {
      defer { buffer = [] }
      return buffer
    }
    let count = recv(descriptor, &scratch, scratch.count, 0)
    guard count >= 0 else { throw Failure(what: "recv: \(errno)") }
    return Array(scratch[..<count])
  }

  /// A request head, without its body. Nil when the client closed the connection.
  func receiveHead() throws -> Request? {
    while true {
      if let end = headEnd() {
        let lines = String(decoding: buffer[..<end], as: UTF8.self).split(separator: "\r\n")
        buffer.removeFirst(end + 4)
        let words = lines[0].split(separator: " ")
        var request = Request(method: String(words[0]), target: String(words[1]))
        for line in lines.dropFirst() {
          let parts = line.split(separator: ":", maxSplits: 1)
          request.headers[parts[0].lowercased()] = parts.count > 1 ? String(parts[1].drop { $0 == " " }) : ""
        }
        return request
      }
      let known = buffer
      buffer = []
      let more = try receive()
      if more.isEmpty { return nil }
      buffer = known + more
    }
  }

  /// A request with its body. Nil when the client closed the connection.
  func receiveRequest() throws -> Request? {
    guard var request = try receiveHead() else { return nil }
    try drain(request.length) { request.body += $0 }
    return request
  }

  /// Reads exactly `count` bytes.
  func drain(_ count: Int, _ take: (ArraySlice<UInt8>) -> Void = { _ in }) throws {
    var left = count
    while left > 0 {
      let bytes = try receive()
      if bytes.isEmpty { throw Failure(what: "the client closed \(left) bytes before the end") }
      take(bytes.prefix(left))
      buffer = Array(bytes.dropFirst(left))
      left -= min(left, bytes.count)
    }
  }

  func send(_ text: String) throws { try send(Array(text.utf8)) }

  func send(_ bytes: [UInt8]) throws {
    var sent = 0
    while sent < bytes.count {
      let count = bytes[sent...].withUnsafeBytes {
        Glibc.send(descriptor, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL))
      }
      guard count > 0 else { throw Failure(what: "send: \(errno)") }
      sent += count
    }
  }

  /// A response with a length.
  func respond(_ status: Int = 200, headers: String = "", _ body: String = "") throws {
    try send("HTTP/1.1 \(status) Whatever\r\ncontent-length: \(body.utf8.count)\r\n\(headers)\r\n\(body)")
  }

  /// Answers every request with what `answer` makes of it, until the client closes.
  func serve(_ answer: (Request) throws -> String) throws {
    while let request = try receiveRequest() { try respond(200, answer(request)) }
  }

  /// Returns when the client has closed the connection.
  func waitForClose() throws {
    while try !receive().isEmpty {}
  }

  func stopSending() { _ = shutdown(descriptor, CInt(SHUT_WR)) }

  /// Makes the coming close send a reset.
  func closeWithReset() {
    var option = linger(l_onoff: 1, l_linger: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
  }

  private func headEnd() -> Int? {
    guard buffer.count >= 4 else { return nil }
    return buffer.indices.dropLast(3).first { buffer[$0...].starts(with: [13, 10, 13, 10]) }
  }
}
