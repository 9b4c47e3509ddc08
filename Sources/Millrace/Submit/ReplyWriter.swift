import Glibc

/// Writes reply bodies, one a line.
final class ReplyWriter: Sendable {
  struct Failed: Error, CustomStringConvertible {
    var description: String
  }

  private let descriptor: CInt?
  private let path: String

  /// - Parameter path: A file, `-` for standard output, nil to write nothing.
  init(path: String?) throws(Failed) {
    self.path = path ?? ""
    guard let path else {
      descriptor = nil
      return
    }
    let opened = path == "-" ? dup(1) : open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    if opened < 0 { throw Failed(description: "--output \(path): \(String(cString: strerror(errno)))") }
    descriptor = opened
  }

  deinit {
    if let descriptor { close(descriptor) }
  }

  /// Returns what went wrong, or nil.
  func write(_ body: [UInt8]) -> String? {
    guard let descriptor else { return nil }
    var line = body
    line.append(0x0A)
    var start = 0
    while start < line.count {
      let count = line[start...].withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count < 0 {
        if errno == EINTR { continue }
        return "--output \(path): \(String(cString: strerror(errno)))"
      }
      start += count
    }
    return nil
  }
}
