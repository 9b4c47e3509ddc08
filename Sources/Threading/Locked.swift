import Synchronization

/// State behind a lock: the project's one spelling of mutual exclusion.
///
/// Critical sections are short and never suspend, call out, or run effects: decide under the lock, act after it.
@safe
public final class Locked<State: ~Copyable>: Sendable {
  private let mutex: Mutex<State>

  public init(_ initial: consuming sending State) {
    mutex = Mutex(initial)
  }

  public borrowing func withLock<Result: ~Copyable, Failure: Error>(
    _ body: (inout sending State) throws(Failure) -> sending Result
  ) throws(Failure) -> sending Result {
    try mutex.withLock(body)
  }
}
