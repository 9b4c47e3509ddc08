import Glibc
import Threading

/// A scripted TCP server: every connection runs the script on a thread of its own, with blocking calls.
final class TestServer: Sendable {
  private struct State {
    var accepted = 0
    var open: Set<CInt> = []
    var stopped = false
  }

  let port: UInt16
  private let listener: CInt
  private let state = Locked(State())

  var url: String { "http://127.0.0.1:\(port)" }
  var accepted: Int { state.withLock { $0.accepted } }

  init(script: @escaping @Sendable (TestConnection) throws -> Void) throws {
    (listener, port) = try Self.listen(backlog: 1024)
    let (listener, state) = (listener, state)
    startThread {
      // Closed here alone: a number that another thread closed may already stand for another test's socket.
      defer { close(listener) }
      while true {
        let descriptor = accept(listener, nil, nil)
        guard descriptor >= 0 else { return }
        let refused = state.withLock { state in
          if !state.stopped {
            state.accepted += 1
            state.open.insert(descriptor)
          }
          return state.stopped
        }
        if refused {
          close(descriptor)
          return
        }
        startThread {
          let connection = TestConnection(descriptor)
          // A client that goes away ends the script; what matters is what the test then sees.
          try? script(connection)
          state.withLock { state in
            state.open.remove(descriptor)
            close(descriptor)
          }
        }
      }
    }
  }

  func stop() {
    state.withLock { state in
      state.stopped = true
      for descriptor in state.open { _ = shutdown(descriptor, CInt(SHUT_RDWR)) }
    }
    _ = shutdown(listener, CInt(SHUT_RDWR))
  }

  /// A listening socket on a port that the kernel chose.
  static func listen(backlog: CInt) throws -> (descriptor: CInt, port: UInt16) {
    let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
    var address = loopback(port: 0)
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isBound = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, length) == 0 && Glibc.listen(descriptor, backlog) == 0
          && getsockname(descriptor, $0, &length) == 0
      }
    }
    guard isBound else { throw TestConnection.Failure(what: "listen: \(errno)") }
    return (descriptor, UInt16(bigEndian: address.sin_port))
  }

  static func loopback(port: UInt16) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    return address
  }
}

private final class Work: Sendable {
  let body: @Sendable () -> Void
  init(_ body: @escaping @Sendable () -> Void) { self.body = body }
}

/// Runs blocking test code off the cooperative pool.
func startThread(_ body: @escaping @Sendable () -> Void) {
  var thread = pthread_t()
  let context = Unmanaged.passRetained(Work(body)).toOpaque()
  let status = pthread_create(
    &thread, nil,
    { context in
      if let context { Unmanaged<Work>.fromOpaque(context).takeRetainedValue().body() }
      return nil
    }, context)
  precondition(status == 0, "no thread for a test server")
  pthread_detach(thread)
}
