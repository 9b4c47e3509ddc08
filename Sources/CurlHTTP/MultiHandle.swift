import CCurl
import Glibc

/// One libcurl multi handle and the descriptors and the timer that it asks for. Confined to the client's thread.
///
/// It is driven through libcurl's socket interface: a turn then costs what its ready sockets cost, where
/// `curl_multi_perform` would look at every transfer, and most transfers wait for seconds.
@safe
final class MultiHandle {
  struct Event {
    var descriptor: CInt
    var bits: CInt
  }

  private static let eventCapacity = 256

  private let raw: UnsafeMutableRawPointer
  private let epoll: CInt
  private let descriptors = UnsafeMutablePointer<CInt>.allocate(capacity: MultiHandle.eventCapacity)
  private let bits = UnsafeMutablePointer<CInt>.allocate(capacity: MultiHandle.eventCapacity)
  private var isOpen = true
  private var watchedWake: CInt = -1
  /// When libcurl wants `runTimers`.
  private(set) var timer = Moment.never

  init(configuration: HTTPClientConfiguration) {
    let handle = unsafe curl_multi_init()
    epoll = millrace_epoll_create()
    precondition(epoll >= 0, "no descriptor left for the HTTP client")
    guard let raw = unsafe handle else { preconditionFailure("no memory for the HTTP client") }
    unsafe self.raw = unsafe raw
    // Without it, finished connections beyond four times the running transfers would be closed.
    let kept = configuration.maxTotalConnections > 0 ? configuration.maxTotalConnections : 4096
    unsafe millrace_multi_set_long(raw, CURLMOPT_MAXCONNECTS, kept)
    unsafe millrace_multi_set_long(raw, CURLMOPT_MAX_TOTAL_CONNECTIONS, configuration.maxTotalConnections)
    unsafe millrace_multi_set_long(raw, CURLMOPT_MAX_HOST_CONNECTIONS, configuration.maxConnectionsPerHost)
    // Its own limit of 100 would open a connection for every stream beyond; servers state theirs.
    unsafe millrace_multi_set_long(raw, CURLMOPT_MAX_CONCURRENT_STREAMS, 1000)
    let context = unsafe Unmanaged.passUnretained(self).toOpaque()
    unsafe millrace_multi_on_socket(raw, curlWatchesSocket, context)
    unsafe millrace_multi_on_timer(raw, curlSetsTimer, context)
  }

  deinit {
    // Closing calls back into this object, so it cannot happen here.
    precondition(!isOpen, "a multi handle was dropped without close()")
    Glibc.close(epoll)
    unsafe descriptors.deallocate()
    unsafe bits.deallocate()
  }

  /// Closes every connection. No transfer may be left. Only waiting for `wake` is possible from then on, since the thread
  /// may take another turn before it is stopped.
  func close() {
    guard isOpen else { return }
    unsafe curl_multi_cleanup(raw)
    isOpen = false
    timer = .never
  }

  func add(_ easy: EasyHandle) -> Bool { unsafe curl_multi_add_handle(raw, easy.raw) == CURLM_OK }

  /// Takes a transfer out. One that has not ended loses its connection, or its HTTP/2 stream.
  func remove(_ easy: EasyHandle) { unsafe curl_multi_remove_handle(raw, easy.raw) }

  /// Runs what the timer of libcurl is due for.
  func runTimers() {
    timer = .never
    var running: CInt = 0
    unsafe curl_multi_socket_action(raw, CURL_SOCKET_TIMEOUT, 0, &running)
  }

  /// Waits for sockets, at most for `timeout` milliseconds (-1 means without limit), and runs what is ready.
  func wait(wake: CInt, timeout: CInt, whenAwake: () -> Void) {
    if watchedWake != wake {
      millrace_epoll_watch(epoll, wake, 1, 0)
      watchedWake = wake
    }
    let count = unsafe millrace_epoll_wait(epoll, descriptors, bits, CInt(Self.eventCapacity), timeout)
    whenAwake()
    var index = 0
    // A negative count is an interrupted wait: nothing to run.
    while index < Int(count) {
      let (descriptor, bits) = unsafe (descriptors[index], bits[index])
      index += 1
      // The event thread reads its own descriptor.
      if descriptor == wake { continue }
      var running: CInt = 0
      // A descriptor that an earlier event closed is unknown to libcurl, which then does nothing.
      unsafe curl_multi_socket_action(raw, descriptor, bits, &running)
    }
  }

  /// The next transfer that has ended, with the context that it was given.
  func nextDone() -> (context: UnsafeMutableRawPointer, code: CURLcode)? {
    guard isOpen else { return nil }
    var code = CURLE_OK
    guard let easy = unsafe millrace_multi_next_done(raw, &code) else { return nil }
    guard let context = unsafe millrace_easy_context(easy) else { return nil }
    return unsafe (context, code)
  }

  fileprivate func watch(_ socket: CInt, _ what: CInt) {
    millrace_epoll_watch(
      epoll, socket, what == CURL_POLL_IN || what == CURL_POLL_INOUT ? 1 : 0,
      what == CURL_POLL_OUT || what == CURL_POLL_INOUT ? 1 : 0)
  }

  fileprivate func setTimer(_ milliseconds: Int) {
    timer = milliseconds < 0 ? .never : Moment.now() + .milliseconds(milliseconds)
  }
}

/// libcurl's wish to watch a socket. The context is a `MultiHandle`, which outlives its handle.
private func curlWatchesSocket(
  _ easy: UnsafeMutableRawPointer?, _ socket: CInt, _ what: CInt, _ context: UnsafeMutableRawPointer?,
  _ perSocket: UnsafeMutableRawPointer?
) -> CInt {
  guard let context = unsafe context else { return 0 }
  unsafe Unmanaged<MultiHandle>.fromOpaque(context).takeUnretainedValue().watch(socket, what)
  if let easy = unsafe easy, let transfer = unsafe millrace_easy_context(easy) {
    unsafe Unmanaged<Transfer>.fromOpaque(transfer).takeUnretainedValue().watches(
      socket, what != CURL_POLL_REMOVE)
  }
  return 0
}

/// libcurl's wish to be called later. The context is a `MultiHandle`.
private func curlSetsTimer(
  _ multi: UnsafeMutableRawPointer?, _ milliseconds: Int, _ context: UnsafeMutableRawPointer?
) -> CInt {
  guard let context = unsafe context else { return 0 }
  unsafe Unmanaged<MultiHandle>.fromOpaque(context).takeUnretainedValue().setTimer(milliseconds)
  return 0
}
