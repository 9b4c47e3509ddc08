import CLinux
import Glibc

/// Lets a thread of ours wait by the clock, or until another rings. It blocks that thread, so never one of the pool.
public final class Doorbell: Sendable {
  private let descriptor: CInt

  public init() {
    descriptor = millrace_eventfd()
    precondition(descriptor >= 0, "no descriptor left for a doorbell")
  }

  deinit { close(descriptor) }

  /// Ends the wait that goes on, or the next one.
  public func ring() {
    var one: UInt64 = 1
    // A full counter leaves it readable as well.
    _ = unsafe write(descriptor, &one, 8)
  }

  /// Blocks the caller; the limit is rounded up to milliseconds.
  public func wait(upTo limit: Duration) {
    let (seconds, attoseconds) = limit.components
    let milliseconds = seconds * 1000 + (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000
    var event = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    _ = unsafe poll(&event, 1, CInt(clamping: max(0, milliseconds)))
    var count: UInt64 = 0
    _ = unsafe read(descriptor, &count, 8)
  }
}
