import Glibc
import Threading

/// The thread's side of a `LineWriter`: takes what has gathered and writes it.
final class LineDrain: EventLoopDriver {
  private struct State {
    var pending: [UInt8] = []
    var dropped = 0
    var unreported = 0
    var deadline: ContinuousClock.Instant?
    var waiters: [OneShot<Void>] = []
    /// Whether the thread has been told of what is pending.
    var signalled = false
  }

  /// A pipe that polls as writable takes this much at once without blocking.
  private static let chunk = 4096

  private let descriptor: CInt
  private let capacity: Int
  private let notice: @Sendable (Int) -> [UInt8]
  private let state = Locked(State())
  // Both are touched on the thread only.
  private nonisolated(unsafe) var current: [UInt8] = []
  private nonisolated(unsafe) var written = 0

  init(descriptor: CInt, capacity: Int, notice: @escaping @Sendable (Int) -> [UInt8]) {
    self.descriptor = descriptor
    self.capacity = capacity
    self.notice = notice
  }

  var droppedLines: Int { state.withLock { $0.dropped } }

  /// Returns whether the thread has to be woken.
  func append(_ line: [UInt8], important: Bool) -> Bool {
    let limit = important ? capacity + capacity / 4 : capacity
    return state.withLock { state in
      guard state.deadline == nil, state.pending.count + line.count <= limit else {
        state.dropped += 1
        state.unreported += 1
        return false
      }
      state.pending += line
      defer { state.signalled = true }
      return !state.signalled
    }
  }

  /// A promise that is kept when nothing waits any more; nothing where the writer is already closed.
  func flushed(closingBefore deadline: ContinuousClock.Instant?) -> OneShot<Void>? {
    let waiter = OneShot<Void>()
    return state.withLock { state in
      guard state.deadline == nil else { return nil }
      state.deadline = deadline
      state.waiters.append(waiter)
      return waiter
    }
  }

  func turn(wake: CInt) {
    if written == current.count {
      take()
      if current.isEmpty {
        finishWaiters()
        wait(for: 0, wake: wake, timeout: -1)
        return
      }
    }
    while written < current.count {
      let deadline = state.withLock { $0.deadline }
      let timeout = deadline.map { max(0, Self.milliseconds(until: $0)) } ?? -1
      switch wait(for: Int16(POLLOUT), wake: wake, timeout: timeout) {
      case .ready: writeChunk()
      // Without this a deadline that is set while the reader stalls would not be seen.
      case .woken: return
      case .timedOut: if deadline.map({ .now >= $0 }) == true { discard() }
      }
    }
  }

  private func take() {
    current.removeAll(keepingCapacity: current.capacity <= 65_536)
    written = 0
    let dropped = state.withLock { state in
      swap(&current, &state.pending)
      state.signalled = false
      defer { state.unreported = 0 }
      return state.unreported
    }
    if dropped > 0 { current += notice(dropped) }
  }

  private func finishWaiters() {
    let waiters = state.withLock { state -> [OneShot<Void>] in
      // A line that came in since means another round.
      guard state.pending.isEmpty else { return [] }
      defer { state.waiters = [] }
      return state.waiters
    }
    for waiter in waiters { waiter.succeed(()) }
  }

  private enum Event { case ready, woken, timedOut }

  @discardableResult
  private func wait(for events: Int16, wake: CInt, timeout: CInt) -> Event {
    var watched = [
      pollfd(fd: wake, events: Int16(POLLIN), revents: 0),
      // A negative descriptor is passed over.
      pollfd(fd: events == 0 ? -1 : descriptor, events: events, revents: 0),
    ]
    let count = poll(&watched, 2, timeout)
    if count <= 0 { return .timedOut }
    return watched[1].revents != 0 ? .ready : .woken
  }

  private func writeChunk() {
    let end = min(current.count, written + Self.chunk)
    let count = current[written..<end].withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
    if count >= 0 {
      written += count
    } else if errno != EINTR && errno != EAGAIN {
      discard()
    }
  }

  /// Gives up what was taken and what gathered meanwhile: nobody reads it.
  private func discard() {
    let lost = current[written...].count { $0 == UInt8(ascii: "\n") }
    written = current.count
    state.withLock { state in
      state.dropped += lost + state.pending.count { $0 == UInt8(ascii: "\n") }
      state.pending = []
    }
  }

  private static func milliseconds(until deadline: ContinuousClock.Instant) -> CInt {
    let (seconds, attoseconds) = (deadline - .now).components
    return CInt(clamping: seconds * 1000 + attoseconds / 1_000_000_000_000_000 + 1)
  }
}
