import CPostgres
import Glibc

/// One session with a server, and the only place that waits for it.
///
/// Belongs to one thread, which it blocks: never one of the cooperative pool. It is closed by the first failure that
/// leaves its state unknown, and every later call then fails as `connectionLost`.
@safe
final class PostgresLink {
  private var handle: OpaquePointer?
  /// The longest wait for the answer to one statement.
  let timeout: Duration

  init(_ handle: OpaquePointer, timeout: Duration) {
    unsafe self.handle = handle
    self.timeout = timeout
  }

  deinit { close() }

  func close() {
    guard let handle = unsafe handle.take() else { return }
    unsafe PQfinish(handle)
  }

  var isOpen: Bool { unsafe handle != nil }

  /// Whether the other end has not ended the session, as far as is known without asking it.
  var transactionStatus: TransactionStatus {
    guard let handle = unsafe handle else { return .unknown }
    return switch unsafe PQtransactionStatus(handle) {
    case PQTRANS_IDLE: .idle
    case PQTRANS_INTRANS: .inTransaction
    case PQTRANS_INERROR: .failed
    default: .unknown
    }
  }

  /// Major and minor version as one number, 150020 for 15.20.
  var serverVersion: Int {
    guard let handle = unsafe handle else { return 0 }
    return Int(unsafe PQserverVersion(handle))
  }

  /// A setting that the server reports by itself, such as `server_encoding`.
  func reported(_ name: String) -> String? {
    guard let handle = unsafe handle, let text = unsafe PQparameterStatus(handle, name) else { return nil }
    return unsafe String(cString: text)
  }

  /// Sends a command with `send`, which returns 1 on success, and returns the last result of it.
  func exchange(_ send: (OpaquePointer) -> CInt) throws(PostgresFailure) -> PostgresResult {
    guard let handle = unsafe handle else { throw .closed }
    let deadline = ContinuousClock.now + timeout
    guard unsafe send(handle) == 1 else { throw lose() }
    while true {
      let left = unsafe PQflush(handle)
      if left < 0 { throw lose() }
      if left == 0 { break }
      // The server may be unable to read on before what it has written is read. Where it ended the session, what it
      // said of that is read below.
      if try wait(forRoom: true, until: deadline), unsafe PQconsumeInput(handle) == 0 { break }
    }
    var last: PostgresResult?
    var failure: PostgresFailure?
    while true {
      while unsafe PQisBusy(handle) != 0 {
        _ = try wait(forRoom: false, until: deadline)
        // Zero means that the connection broke; what came before that is still to be read.
        if unsafe PQconsumeInput(handle) == 0, unsafe PQisBusy(handle) != 0 { throw lose() }
      }
      guard let pointer = unsafe PQgetResult(handle) else { break }
      let result = unsafe PostgresResult(pointer)
      if let problem = result.problem {
        failure = failure ?? problem
      } else if result.isCopy {
        close()
        throw PostgresFailure(.other, "COPY is not supported")
      }
      last = result
    }
    if unsafe PQstatus(handle) == CONNECTION_BAD { throw lose(failure) }
    if let failure { throw failure }
    guard let last else { throw lose() }
    return last
  }

  /// Closes the session, after a failure that says what the server said last.
  private func lose(_ failure: PostgresFailure? = nil) -> PostgresFailure {
    defer { close() }
    if let failure, !failure.state.isEmpty {
      // Whatever the reason was, the session is over.
      return PostgresFailure(.connectionLost, state: failure.state, failure.message)
    }
    var text = failure?.message ?? ""
    if text.isEmpty, let handle = unsafe handle { text = OneLine.of(unsafe String(cString: PQerrorMessage(handle))) }
    return PostgresFailure(.connectionLost, text.isEmpty ? "the connection broke" : text)
  }

  /// Waits for the socket. Returns whether there is something to read.
  private func wait(forRoom: Bool, until deadline: ContinuousClock.Instant) throws(PostgresFailure) -> Bool {
    guard let handle = unsafe handle else { throw .closed }
    let events = Int16(POLLIN) | (forRoom ? Int16(POLLOUT) : 0)
    let socket = unsafe PQsocket(handle)
    // poll(2) would wait for nothing on a descriptor that is none.
    guard socket >= 0 else { throw lose() }
    var descriptor = pollfd(fd: socket, events: events, revents: 0)
    while true {
      let left = deadline - .now
      // One look even when it is late: the whole process may have been stopped, and the answer be there.
      let ready = unsafe poll(&descriptor, 1, left.pollTimeout)
      if ready > 0 { return descriptor.revents & ~Int16(POLLOUT) != 0 }
      if ready < 0, errno != EINTR {
        close()
        throw PostgresFailure(.connectionLost, "the connection cannot be waited on")
      }
      if ready == 0, left <= .zero {
        close()
        throw PostgresFailure(.connectionLost, "no answer within \(timeout)")
      }
    }
  }
}

extension Duration {
  /// For poll(2): whole milliseconds, rounded up so that the last wait does not become a busy loop.
  fileprivate var pollTimeout: CInt {
    guard self > .zero else { return 0 }
    let (seconds, attoseconds) = components
    guard seconds < 1_000_000 else { return 1_000_000_000 }
    return CInt(seconds * 1000 + (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000)
  }
}
