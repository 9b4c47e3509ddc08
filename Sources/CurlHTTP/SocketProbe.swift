import Glibc

/// Questions to the kernel about a socket that libcurl owns.
enum SocketProbe {
  /// Bytes that were written but not yet acknowledged by the peer.
  static func unacknowledged(_ socket: CInt) -> Int64 {
    var count: CInt = 0
    return unsafe ioctl(socket, UInt(TIOCOUTQ), &count) == 0 ? Int64(count) : 0
  }
}
