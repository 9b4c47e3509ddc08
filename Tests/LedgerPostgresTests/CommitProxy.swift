import Foundation
import Glibc
import Threading

/// A relay to the server that does something to a COMMIT which passes: what comes of it is the client's to find out.
final class CommitProxy: Sendable {
  enum Fate: CaseIterable {
    case passes
    /// Both connections are cut before the server has it.
    case cutBefore
    /// The server gets it, and the client no answer.
    case cutAfter
    /// The client's connection is cut at once, and the server gets it a moment later.
    case late
  }

  let port: UInt16
  private let listener: CInt
  private let server: UInt16
  /// What becomes of the next COMMIT. Called on a thread of the relay.
  private let choose: @Sendable () -> Fate
  private let isCut = Locked(false)

  /// The two sockets of a relayed connection, closed when both directions have ended.
  private final class Pair: Sendable {
    let client: CInt
    let server: CInt

    init(client: CInt, server: CInt) {
      self.client = client
      self.server = server
    }

    deinit {
      Glibc.close(client)
      Glibc.close(server)
    }
  }

  init(to server: UInt16, choose: @escaping @Sendable () -> Fate) throws {
    self.server = server
    self.choose = choose
    let listener = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
    var address = Self.loopback(0)
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isBound = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        bind(listener, address, length) == 0 && listen(listener, 64) == 0
          && getsockname(listener, address, &length) == 0
      }
    }
    guard isBound else { throw TestPostgres.Missing(description: "no port for a relay") }
    self.listener = listener
    port = UInt16(bigEndian: address.sin_port)
    Thread.detachNewThread { [self] in
      while true {
        let client = accept(listener, nil, nil)
        guard client >= 0 else { return }
        relay(client)
      }
    }
  }

  func close() { shutdown(listener, CInt(SHUT_RDWR)) }

  /// Whether whoever connects from here on finds nobody.
  func setCut(_ cut: Bool) { isCut.withLock { $0 = cut } }

  private static func loopback(_ port: UInt16) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    return address
  }

  private func relay(_ client: CInt) {
    let pair = Pair(client: client, server: socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0))
    if isCut.withLock({ $0 }) { return }
    var address = Self.loopback(server)
    let isConnected = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        connect(pair.server, address, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
      }
    }
    guard isConnected else { return }
    Thread.detachNewThread { [self] in forward(pair) }
    Thread.detachNewThread { Self.copy(from: pair.server, to: pair.client, pair) }
  }

  private func forward(_ pair: Pair) {
    let (client, server) = (pair.client, pair.server)
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = read(client, &buffer, buffer.count)
      guard count > 0 else { break }
      let isCommit = String(decoding: buffer.prefix(count), as: UTF8.self).contains("; COMMIT")
      switch isCommit ? choose() : .passes {
      case .passes:
        guard Self.write(buffer.prefix(count), to: server) else { break }
        continue
      case .cutBefore: break
      case .cutAfter:
        // The answer goes nowhere.
        shutdown(client, CInt(SHUT_RDWR))
        _ = Self.write(buffer.prefix(count), to: server)
      case .late:
        shutdown(client, CInt(SHUT_RDWR))
        // The time in which the client asks.
        usleep(useconds_t.random(in: 0...60_000))
        _ = Self.write(buffer.prefix(count), to: server)
      }
      break
    }
    shutdown(client, CInt(SHUT_RDWR))
    shutdown(server, CInt(SHUT_WR))
    withExtendedLifetime(pair) {}
  }

  private static func copy(from server: CInt, to client: CInt, _ pair: Pair) {
    defer { withExtendedLifetime(pair) {} }
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = read(server, &buffer, buffer.count)
      guard count > 0, write(buffer.prefix(count), to: client) else { break }
    }
    shutdown(client, CInt(SHUT_RDWR))
    shutdown(server, CInt(SHUT_RDWR))
  }

  private static func write(_ bytes: ArraySlice<UInt8>, to descriptor: CInt) -> Bool {
    var rest = bytes
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL)) }
      guard count > 0 else { return false }
      rest = rest.dropFirst(count)
    }
    return true
  }
}
