import Dispatch
import Glibc

/// An HTTP client that sends what it is told, right or wrong, and gives back all bytes until the server closes.
enum RawClient {
  /// Blocks a thread of Dispatch's, not one of the tasks.
  static func exchange(port: Int, _ request: String) async -> String {
    await withCheckedContinuation { continuation in
      DispatchQueue.global().async { continuation.resume(returning: exchangeBlocking(port: port, request)) }
    }
  }

  /// A complete request, of which the connection ends with the response.
  static func get(port: Int, _ path: String, method: String = "GET", headers: String...) async -> (
    status: Int, head: String, body: String
  ) {
    let lines = ["\(method) \(path) HTTP/1.1", "host: test", "connection: close"] + headers
    let text = await exchange(port: port, lines.joined(separator: "\r\n") + "\r\n\r\n")
    let end = text.firstRange(of: "\r\n\r\n")
    let head = end.map { String(text[..<$0.lowerBound]) } ?? text
    let body = end.map { String(text[$0.upperBound...]) } ?? ""
    let status = head.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
    return (status, head.lowercased(), body)
  }

  private static func exchangeBlocking(port: Int, _ request: String) -> String {
    let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
    guard descriptor >= 0 else { return "no socket" }
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(port).bigEndian
    address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
    let connected = withUnsafeBytes(of: &address) {
      connect(descriptor, $0.baseAddress?.assumingMemoryBound(to: sockaddr.self), socklen_t($0.count))
    }
    guard connected == 0 else { return "not connected: \(errno)" }
    let bytes = Array(request.utf8)
    var sent = 0
    while sent < bytes.count {
      let count = bytes[sent...].withUnsafeBytes {
        send(descriptor, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL))
      }
      if count <= 0 { break }
      sent += count
    }
    var out: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 16_384)
    while true {
      let count = recv(descriptor, &chunk, chunk.count, 0)
      if count <= 0 { return String(decoding: out, as: UTF8.self) }
      out += chunk[..<count]
    }
  }

  /// A socket that listens on a port of the kernel's choice, which nobody else can take while `body` runs.
  static func withTakenPort<Value>(_ body: (Int) async throws -> Value) async throws -> Value {
    let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let port = withUnsafeMutableBytes(of: &address) { raw -> Int in
      let pointer = raw.baseAddress?.assumingMemoryBound(to: sockaddr.self)
      guard bind(descriptor, pointer, length) == 0, listen(descriptor, 1) == 0,
        getsockname(descriptor, pointer, &length) == 0
      else { return 0 }
      return Int(raw.loadUnaligned(fromByteOffset: 2, as: UInt16.self).byteSwapped)
    }
    precondition(port > 0, "no port to listen on")
    return try await body(port)
  }
}
