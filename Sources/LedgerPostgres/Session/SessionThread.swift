import Glibc
import Threading

/// A thread of its own for a session that blocks while the server works, so that nothing else waits with it.
///
/// Unchecked since the compiler cannot see that the session is touched by jobs only, which run on the thread one after
/// another.
final class SessionThread<Session: AnyObject>: EventLoopDriver, @unchecked Sendable {
  private let thread: EventThread
  private let jobs = Locked([@Sendable (Session) -> Void]())
  private let session: Session

  /// - Parameter name: Shown by `top -H`.
  init(name: String, session: Session) {
    self.session = session
    thread = EventThread(name: name)
    thread.attach(self)
  }

  func enqueue(_ job: @escaping @Sendable (Session) -> Void) {
    jobs.withLock { $0.append(job) }
    thread.wakeUp()
  }

  func turn(wake: CInt) {
    let batch = jobs.withLock { jobs in
      defer { jobs = [] }
      return jobs
    }
    for job in batch { job(session) }
    guard batch.isEmpty else { return }
    var descriptor = pollfd(fd: wake, events: Int16(POLLIN), revents: 0)
    _ = unsafe poll(&descriptor, 1, -1)
  }

  /// Runs what is queued and ends the thread.
  func stop() async {
    let done = OneShot<Void>()
    enqueue { _ in done.succeed(()) }
    await done.value
    await thread.stop()
  }
}
