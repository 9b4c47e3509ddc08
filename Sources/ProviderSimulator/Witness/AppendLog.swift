import Glibc
import Threading

/// A file that only grows, written in groups by a thread of its own.
///
/// A line that ``flush(_:)`` has returned for is with the kernel, so it survives the death of this process, but not
/// that of the machine. A line that a dying process has cut is removed when the file is opened again.
final class AppendLog: EventLoopDriver {
  /// How much had been appended, in bytes since the start of the process, when a line was added.
  struct Ticket: Sendable {
    fileprivate var end: Int
  }

  private enum Outcome {
    case written
    case failed(SimulatorError)
  }

  private struct Waiter {
    var end: Int
    var continuation: CheckedContinuation<Outcome, Never>
  }

  private struct State {
    var buffer: [UInt8] = []
    var appended = 0
    var written = 0
    /// Bytes that a failed write has lost, as a range of the same count.
    var lost: [(Range<Int>, SimulatorError)] = []
    var waiters: [Waiter] = []
    var truncates = false
    /// Size of the file after the last complete write.
    var size: Int
  }

  let path: String
  private let descriptor: CInt
  private let thread: EventThread
  private let state: Locked<State>

  init(path: String, threadName: String) throws(SimulatorError) {
    self.path = path
    descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_APPEND, 0o644)
    guard descriptor >= 0 else { throw .system("cannot open \(path)") }
    state = Locked(State(size: try Self.cutTornLine(descriptor, path)))
    thread = EventThread(name: threadName)
    thread.attach(self)
  }

  /// Size of what is in the file now.
  var size: Int { state.withLock { $0.size } }

  /// Adds bytes behind all others, without waiting for them to be written.
  func append(_ write: (inout [UInt8]) -> Void) -> Ticket {
    let end = state.withLock { state in
      let before = state.buffer.count
      write(&state.buffer)
      state.appended += state.buffer.count - before
      return state.appended
    }
    return Ticket(end: end)
  }

  /// Returns when everything up to the ticket is in the file.
  func flush(_ ticket: Ticket) async throws(SimulatorError) {
    let outcome = await withCheckedContinuation { continuation in
      let ready = state.withLock { state -> Outcome? in
        if state.written >= ticket.end { return Self.outcome(of: ticket.end, state) }
        state.waiters.append(Waiter(end: ticket.end, continuation: continuation))
        return nil
      }
      if let ready { continuation.resume(returning: ready) } else { thread.wakeUp() }
    }
    if case .failed(let error) = outcome { throw error }
  }

  /// Empties the file; what is appended after this call stays.
  func reset() async throws(SimulatorError) {
    let ticket = state.withLock { state in
      state.truncates = true
      state.buffer = []
      // One more than anything appended, so that the wait below ends with the truncation and not before it.
      state.appended += 1
      return Ticket(end: state.appended)
    }
    try await flush(ticket)
  }

  /// Writes what is left and ends the thread. Nothing may be appended after it.
  func stop() async {
    let ticket = append { _ in }
    try? await flush(ticket)
    await thread.stop()
    close(descriptor)
  }

  func turn(wake: CInt) {
    let (buffer, end, truncates, start) = state.withLock { state -> ([UInt8], Int, Bool, Int) in
      var taken: [UInt8] = []
      swap(&taken, &state.buffer)
      defer { state.truncates = false }
      return (taken, state.appended, state.truncates, state.written)
    }
    guard end > start || truncates else {
      var descriptor = pollfd(fd: wake, events: Int16(POLLIN), revents: 0)
      _ = poll(&descriptor, 1, -1)
      return
    }
    var failure: SimulatorError?
    if truncates {
      if ftruncate(descriptor, 0) != 0 { failure = .system("cannot empty \(path)") }
      state.withLock { $0.size = 0 }
    }
    if failure == nil { failure = write(buffer) }
    finish(bytes: buffer.count, range: start..<end, failure: failure)
  }

  private func finish(bytes: Int, range: Range<Int>, failure: SimulatorError?) {
    let resumed = state.withLock { state -> [(Waiter, Outcome)] in
      state.written = range.upperBound
      if let failure {
        // Only who waits now, or comes soon after, can ask; older losses have been told.
        state.lost = state.lost.suffix(16) + [(range, failure)]
      } else {
        state.size += bytes
      }
      let ready = state.waiters.filter { $0.end <= state.written }
      state.waiters.removeAll { $0.end <= state.written }
      return ready.map { ($0, Self.outcome(of: $0.end, state)) }
    }
    for (waiter, outcome) in resumed { waiter.continuation.resume(returning: outcome) }
  }

  private static func outcome(of end: Int, _ state: State) -> Outcome {
    for (range, error) in state.lost where end > range.lowerBound && end <= range.upperBound { return .failed(error) }
    return .written
  }

  /// Writes all of it or nothing: after a failure the file is cut back to its last good size.
  private func write(_ bytes: [UInt8]) -> SimulatorError? {
    var done = 0
    while done < bytes.count {
      let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress! + done, $0.count - done) }
      if count < 0 {
        if errno == EINTR { continue }
        let error = SimulatorError.system("cannot write \(path)")
        ftruncate(descriptor, state.withLock { $0.size })
        return error
      }
      done += count
    }
    return nil
  }

  /// Returns the size after the cut.
  private static func cutTornLine(_ descriptor: CInt, _ path: String) throws(SimulatorError) -> Int {
    let size = Int(lseek(descriptor, 0, SEEK_END))
    guard size >= 0 else { throw .system("cannot read \(path)") }
    var end = size
    var chunk = [UInt8](repeating: 0, count: 64 << 10)
    while end > 0 {
      let start = max(0, end - chunk.count)
      let count = pread(descriptor, &chunk, end - start, off_t(start))
      guard count == end - start else { throw .system("cannot read \(path)") }
      if let newline = chunk[..<count].lastIndex(of: 0x0A) {
        end = start + newline + 1
        break
      }
      end = start
    }
    if end < size, ftruncate(descriptor, off_t(end)) != 0 { throw .system("cannot repair \(path)") }
    return end
  }
}
