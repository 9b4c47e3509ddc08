import Glibc

/// Standard output, a line at a time, written in larger pieces.
struct LineOutput: ~Copyable {
  /// Nobody reads it any more, or the disk is full.
  struct Closed: Error {}

  private var pending: [UInt8] = []
  private static let pieceBytes = 64 << 10

  mutating func write(_ line: String) throws(Closed) {
    pending.append(contentsOf: line.utf8)
    pending.append(UInt8(ascii: "\n"))
    if pending.count >= Self.pieceBytes { try flush() }
  }

  mutating func flush() throws(Closed) {
    var start = 0
    while start < pending.count {
      let written = pending[start...].withUnsafeBytes { Glibc.write(1, $0.baseAddress, $0.count) }
      if written < 0, errno == EINTR { continue }
      if written <= 0 {
        pending = []
        throw Closed()
      }
      start += written
    }
    pending = []
  }
}
