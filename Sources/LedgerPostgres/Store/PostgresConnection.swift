import CPostgres
import Glibc

/// A connection to the server. Its calls block, so it belongs to one thread that may wait.
@safe
final class PostgresConnection {
  private let handle: OpaquePointer
  private let timeout: Duration
  private var isClosed = false
  private var prepared = 0

  /// Connects; blocks for at most about the connect time-out of each host.
  init(_ parameters: PostgresParameters) throws(PostgresFailure) {
    timeout = parameters.statementTimeout
    let keys = unsafe parameters.options.map { unsafe strdup($0.key) }
    let values = unsafe parameters.options.map { unsafe strdup($0.value) }
    defer { unsafe (keys + values).forEach { unsafe free($0) } }
    let keyList = unsafe keys.map { unsafe UnsafePointer($0) } + [nil]
    let valueList = unsafe values.map { unsafe UnsafePointer($0) } + [nil]
    guard let handle = unsafe PQconnectdbParams(keyList, valueList, 0) else {
      throw .connectionLost("out of memory")
    }
    unsafe self.handle = handle
    guard unsafe PQstatus(handle) == CONNECTION_OK, unsafe PQsetnonblocking(handle, 1) == 0 else {
      let failure = Self.refusal(unsafe String(cString: PQerrorMessage(handle)))
      unsafe PQfinish(handle)
      isClosed = true
      throw failure
    }
  }

  deinit { close() }

  func close() {
    if isClosed { return }
    isClosed = true
    unsafe PQfinish(handle)
  }

  /// libpq has no codes for what goes wrong while connecting, so the server's words decide.
  private static func refusal(_ message: String) -> PostgresFailure {
    let state =
      if message.contains("authentication failed") || message.contains("no password supplied") {
        "28P01"
      } else if message.contains("no pg_hba.conf entry") || message.contains("role \"") {
        "28000"
      } else if message.contains("database \"") && message.contains("does not exist") {
        "3D000"
      } else if message.contains("certificate") || message.contains("server does not support SSL") {
        "28000"
      } else {
        "08001"
      }
    return PostgresFailure(state: state, message: message)
  }

  // MARK: Statements

  /// Prepares a statement and returns its name.
  func prepare(_ sql: String) throws(PostgresFailure) -> String {
    prepared += 1
    let name = "s\(prepared)"
    guard unsafe PQsendPrepare(handle, name, sql, 0, nil) == 1 else { throw lost() }
    _ = try result()
    return name
  }

  /// Runs a prepared statement; parameters and results are in binary form.
  func execute(_ name: String, _ parameters: ParameterBuffer) throws(PostgresFailure) -> PostgresResult {
    let count = parameters.ranges.count
    let sent = unsafe parameters.bytes.withUnsafeBufferPointer { bytes -> CInt in
      guard let base = unsafe UnsafeRawPointer(bytes.baseAddress) else { return 0 }
      let values = unsafe parameters.ranges.map { range in
        unsafe range.map { unsafe (base + $0.lowerBound).assumingMemoryBound(to: CChar.self) }
      }
      let lengths = parameters.ranges.map { CInt(clamping: $0?.count ?? 0) }
      let formats = [CInt](repeating: 1, count: count)
      return unsafe PQsendQueryPrepared(handle, name, CInt(count), values, lengths, formats, 1)
    }
    guard sent == 1 else { throw lost() }
    return try result()
  }

  /// Runs commands without parameters; results are text, and the last one is returned.
  @discardableResult
  func simple(_ sql: String) throws(PostgresFailure) -> PostgresResult {
    guard unsafe PQsendQuery(handle, sql) == 1 else { throw lost() }
    return try result()
  }

  /// Waits for everything that the server answers and returns the last of it.
  private func result() throws(PostgresFailure) -> PostgresResult {
    let deadline = ContinuousClock.now + timeout
    var last: PostgresResult?
    var failure: PostgresFailure?
    while true {
      try wait(until: deadline)
      guard let next = unsafe PQgetResult(handle) else { break }
      let result = unsafe PostgresResult(next)
      if let error = result.failure { failure = failure ?? error }
      last = result
    }
    if let failure { throw unsafe PQstatus(handle) == CONNECTION_OK ? failure : .connectionLost(failure.message) }
    guard let last else { throw lost() }
    return last
  }

  /// Sends what is to be sent, and returns when a result can be had without waiting.
  private func wait(until deadline: ContinuousClock.Instant) throws(PostgresFailure) {
    while true {
      let unsent = unsafe PQflush(handle)
      if unsent < 0 { throw lost() }
      if unsent == 0, unsafe PQisBusy(handle) == 0 { return }
      let left = (deadline - .now).wholeMilliseconds
      guard left > 0 else {
        throw silence()
      }
      var descriptor = unsafe pollfd(
        fd: PQsocket(handle), events: Int16(POLLIN) | (unsent == 1 ? Int16(POLLOUT) : 0), revents: 0)
      let ready = unsafe poll(&descriptor, 1, CInt(clamping: left))
      if ready < 0, errno != EINTR { throw lost() }
      if ready > 0, descriptor.revents & ~Int16(POLLOUT) != 0, unsafe PQconsumeInput(handle) == 0 { throw lost() }
    }
  }

  /// The server says nothing: whatever it may still do, this connection is not waited for.
  private func silence() -> PostgresFailure {
    // The descriptor is shut, so that no later call waits on it.
    unsafe shutdown(PQsocket(handle), CInt(SHUT_RDWR))
    return .connectionLost("no answer within \(timeout)")
  }

  private func lost() -> PostgresFailure {
    .connectionLost(unsafe String(cString: PQerrorMessage(handle)))
  }
}

extension Duration {
  var wholeMilliseconds: Int64 {
    let (seconds, attoseconds) = components
    return seconds.multipliedReportingOverflow(by: 1000).partialValue + attoseconds / 1_000_000_000_000_000
  }
}
