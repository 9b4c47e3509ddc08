import Glibc
import Threading

extension EventThread {
  /// What AMQP's event threads are given. The library decodes nested header tables by recursion, as deep as a frame
  /// allows: 26,000 arrays in 128 KiB.
  static let amqpStackSize = 16 << 20

  /// Waits on the thread until a job is queued or the time has come, while there is no connection to wait on.
  static func wait(wake: CInt, until deadline: ContinuousClock.Instant?) {
    var descriptor = pollfd(fd: wake, events: Int16(POLLIN), revents: 0)
    let timeout = deadline.map { ($0 - .now).wholeMilliseconds } ?? 60_000
    _ = unsafe poll(&descriptor, 1, timeout)
  }
}
