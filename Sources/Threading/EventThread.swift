import CLinux
import Glibc

/// What an `EventThread` does between jobs: IO that is ready, then a wait that ends early when `wake` is readable.
///
/// Called on the thread only. An actor that is pinned to the thread implements it with `assumeIsolated`.
public protocol EventLoopDriver: AnyObject, Sendable {
  /// Does what IO is ready without blocking, then waits for more.
  ///
  /// - Parameters:
  ///   - wake: A descriptor that becomes readable when a job is queued. It must be among the descriptors waited on.
  func turn(wake: CInt)
}

/// A named thread that runs one event loop and the jobs of the actors that are pinned to it.
///
/// It is a `SerialExecutor`: an actor whose `unownedExecutor` is this thread may call a C library that belongs to one
/// thread, and a call from elsewhere does not compile. Jobs always run before the driver waits, so a queued job is
/// never stuck behind an idle socket.
///
/// The owner must call `stop()` and wait for it: an executor must outlive its actors.
@safe
public final class EventThread: SerialExecutor, Sendable {
  private struct State: ~Copyable {
    var jobs: [UnownedJob] = []
    var wakePending = false
    var driver: (any EventLoopDriver)?
    var stopping = false
    var stopped = false
    var stopWaiters: [OneShot<Void>] = []
    var identity: pthread_t?
  }

  public let name: String
  private let state = Locked(State())
  private let wake: CInt

  /// Starts the thread.
  ///
  /// - Parameters:
  ///   - name: Shown by `top -H`; cut to 15 bytes, the kernel's limit.
  ///   - stackSize: In bytes. C decoders may recurse on what a peer sends, so the default is the 8 MiB of a main thread.
  public init(name: String, priority: ThreadPriority = .normal, stackSize: Int = 8 << 20) {
    self.name = name
    wake = millrace_eventfd()
    precondition(wake >= 0, "no descriptor left for the event thread \(name)")
    NamedThread.start(name, priority, stackSize: stackSize) { [self] in run() }
  }

  deinit {
    state.withLock { precondition($0.stopped, "the event thread \(name) was dropped without stop()") }
    close(wake)
  }

  /// Sets what the thread does between jobs. The driver is held until `stop()`.
  public func attach(_ driver: any EventLoopDriver) {
    state.withLock { $0.driver = driver }
    wakeUp()
  }

  public func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    state.withLock { state in
      precondition(!state.stopped, "a job was queued on the event thread \(name) after it stopped")
      state.jobs.append(job)
      if !state.wakePending {
        state.wakePending = true
        signal()
      }
    }
  }

  public func asUnownedSerialExecutor() -> UnownedSerialExecutor {
    unsafe UnownedSerialExecutor(ordinary: self)
  }

  public func isIsolatingCurrentContext() -> Bool? {
    state.withLock { state in
      guard let identity = state.identity else { return false }
      return pthread_equal(identity, pthread_self()) != 0
    }
  }

  public func checkIsolated() {
    precondition(isIsolatingCurrentContext() == true, "not on the event thread \(name)")
  }

  /// Ends the current wait of the driver. May be called from any thread.
  public func wakeUp() {
    state.withLock { state in
      if state.wakePending || state.stopped { return }
      state.wakePending = true
      signal()
    }
  }

  /// Runs what is queued, leaves the loop, and returns when the thread has ended. Calling it again only waits.
  public func stop() async {
    let waiter = OneShot<Void>()
    let done = state.withLock { state in
      if state.stopped { return true }
      state.stopWaiters.append(waiter)
      state.stopping = true
      return false
    }
    if done { return }
    wakeUp()
    await waiter.value
  }

  private func signal() {
    var one: UInt64 = 1
    // A full counter (EAGAIN) still leaves the descriptor readable, so the result does not matter.
    _ = unsafe write(wake, &one, 8)
  }

  private func run() {
    state.withLock { $0.identity = pthread_self() }

    while true {
      let (jobs, driver, stopping) = state.withLock { state -> ([UnownedJob], (any EventLoopDriver)?, Bool) in
        var jobs: [UnownedJob] = []
        swap(&jobs, &state.jobs)
        // Signalled and cleared under the lock: a signal outside it could come after its job was taken, and would then
        // never be cleared, so that no wait would block any more.
        if state.wakePending { clearWake() }
        state.wakePending = false
        return (jobs, state.driver, state.stopping)
      }
      for job in jobs { unsafe job.runSynchronously(on: asUnownedSerialExecutor()) }
      if stopping && jobs.isEmpty {
        if finish() { return }
        continue
      }
      if let driver, !stopping { driver.turn(wake: wake) } else if !stopping { waitForWake() }
    }
  }

  /// Leaves the loop unless a job came in since the last look. Returns whether it did.
  private func finish() -> Bool {
    let waiters = state.withLock { state -> [OneShot<Void>]? in
      guard state.jobs.isEmpty else { return nil }
      state.stopped = true
      state.driver = nil
      state.identity = nil
      defer { state.stopWaiters = [] }
      return state.stopWaiters
    }
    guard let waiters else { return false }
    for waiter in waiters { waiter.succeed(()) }
    return true
  }

  private func waitForWake() {
    var descriptor = pollfd(fd: wake, events: Int16(POLLIN), revents: 0)
    _ = unsafe poll(&descriptor, 1, -1)
  }

  private func clearWake() {
    var count: UInt64 = 0
    _ = unsafe read(wake, &count, 8)
  }
}
