import Glibc
import Ledger
import Logging
import Observability
import ServiceLifecycle

/// Starts the process anew, in place, when another replica has taken its work over: nothing that it remembers may be acted
/// upon any more, and no call that it has open may go on.
struct LeaseGuard: Service {
  let ledger: any LedgerStore
  let logger: Logger
  let writer: LineWriter

  func run() async throws {
    await cancelWhenGracefulShutdown {
      await ledger.leaseLost()
      if Task.isCancelled { return }
      logger.critical(
        "This replica was silent for longer than ledger.lease and another took its work over; starting anew")
      await writer.close()
      startAnew()
    }
    try? await gracefulShutdown()
  }

  /// Every descriptor but the standard ones closes, and with them the connections to broker and providers.
  private func startAnew() -> Never {
    var arguments: [UnsafeMutablePointer<CChar>?] = CommandLine.arguments.map { strdup($0) }
    arguments.append(nil)
    // Signals are blocked in most threads, and a new program would inherit that.
    var none = sigset_t()
    sigemptyset(&none)
    pthread_sigmask(SIG_SETMASK, &none, nil)
    let limit = max(3, min(getdtablesize(), 65_536))
    // Twice, since other threads still run: what they open meanwhile gets a low number, and those are looked at last.
    for range in [3..<limit, 3..<min(limit, 1024)] {
      for descriptor in range { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
    }
    execv("/proc/self/exe", &arguments)
    // Whoever supervises the process starts it again.
    _exit(69)
  }
}
