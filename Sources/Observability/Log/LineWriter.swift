import Threading

/// Writes log lines to a descriptor from a thread of its own, whole and in order.
///
/// A reader that stalls (a full pipe, a stopped terminal) blocks that thread only. Callers append to a buffer under a
/// short lock; when the buffer is full, lines are dropped and counted, and a line that says how many follows as soon as
/// there is room again. Writing on the caller's thread instead would let a stalled reader stop every task of the
/// process, as the cooperative pool is as narrow as the machine; an unbounded buffer would trade that for memory.
///
/// The owner must call `close` before it lets go.
public final class LineWriter: LineSink {
  private let drain: LineDrain
  private let thread: EventThread

  /// Starts the thread.
  ///
  /// - Parameters:
  ///   - descriptor: 2 is standard error. It stays open and is not put into non-blocking mode, which other processes that share it would see.
  ///   - capacity: Bytes of lines that may wait; warnings and errors may use a quarter more.
  ///   - notice: Makes the line that says how many lines were dropped.
  public init(
    descriptor: CInt = 2, capacity: Int = 1 << 20, notice: @escaping @Sendable (Int) -> [UInt8]
  ) {
    drain = LineDrain(descriptor: descriptor, capacity: capacity, notice: notice)
    thread = EventThread(name: "log", stackSize: 512 << 10)
    thread.attach(drain)
  }

  public func write(_ line: [UInt8], important: Bool) {
    if drain.append(line, important: important) { thread.wakeUp() }
  }

  /// The lines dropped so far, since the buffer was full or the descriptor refused them.
  public var droppedLines: Int { drain.droppedLines }

  /// Returns when everything written before is out.
  public func flush() async {
    guard let done = drain.flushed(closingBefore: nil) else { return }
    thread.wakeUp()
    await done.value
  }

  /// Writes out what waits, for at most `limit`, and ends the thread. Later lines are dropped.
  public func close(within limit: Duration = .seconds(2)) async {
    if let done = drain.flushed(closingBefore: .now + limit) {
      thread.wakeUp()
      await done.value
    }
    await thread.stop()
  }
}
