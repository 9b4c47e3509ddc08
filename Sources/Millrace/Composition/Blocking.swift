import Threading

/// Runs what blocks on a thread of its own.
enum Blocking {
  static func run<Value: Sendable, Failure: Error>(
    _ body: @escaping @Sendable () throws(Failure) -> Value
  ) async throws(Failure) -> Value {
    let thread = EventThread(name: "blocking")
    let result = await Host(thread: thread).result(of: body)
    await thread.stop()
    return try result.get()
  }

  private actor Host {
    private let thread: EventThread

    init(thread: EventThread) {
      self.thread = thread
    }

    nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    func result<Value: Sendable, Failure: Error>(
      of body: @Sendable () throws(Failure) -> Value
    ) -> Result<Value, Failure> {
      do throws(Failure) { return .success(try body()) } catch { return .failure(error) }
    }
  }
}
