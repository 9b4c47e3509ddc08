import CLinux
import Glibc

/// Starts threads as this project wants them: named, detached, and deaf to signals, which belong to the thread that the
/// service group waits on.
enum NamedThread {
  private final class Body {
    let run: @Sendable () -> Void

    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
  }

  /// - Parameters:
  ///   - name: Shown by `top -H`; cut to 15 bytes, the kernel's limit.
  ///   - stackSize: In bytes.
  static func start(_ name: String, _ priority: ThreadPriority, stackSize: Int, _ run: @escaping @Sendable () -> Void) {
    var attributes = pthread_attr_t()
    unsafe pthread_attr_init(&attributes)
    unsafe pthread_attr_setstacksize(&attributes, stackSize)
    unsafe pthread_attr_setdetachstate(&attributes, CInt(PTHREAD_CREATE_DETACHED))
    defer { unsafe pthread_attr_destroy(&attributes) }
    let body = unsafe Unmanaged.passRetained(Body { enter(name, priority, run) })
    var thread = pthread_t()
    let status = unsafe pthread_create(
      &thread, &attributes,
      { raw in
        // Balances passRetained below.
        let body = unsafe Unmanaged<Body>.fromOpaque(raw!).takeRetainedValue()
        body.run()
        return nil
      }, body.toOpaque())
    if status != 0 {
      unsafe body.release()
      preconditionFailure("cannot start the thread \(name): error \(status)")
    }
  }

  private static func enter(_ name: String, _ priority: ThreadPriority, _ run: () -> Void) {
    var blocked = sigset_t()
    unsafe sigfillset(&blocked)
    unsafe pthread_sigmask(SIG_SETMASK, &blocked, nil)
    // A name cut inside a character is no text; the thread is then just unnamed.
    _ = unsafe (String(name.utf8.prefix(15)) ?? "").withCString { unsafe millrace_name_thread($0) }
    if priority != .normal { _ = millrace_nice_thread(priority.niceness) }
    run()
  }
}
