import CurlHTTP
import Glibc
import Testing
import Threading

/// Runs a test with a scripted server and a client, and stops both.
func withServer(
  configuration: HTTPClientConfiguration = HTTPClientConfiguration(proxy: .none),
  _ script: @escaping @Sendable (TestConnection) throws -> Void,
  _ body: (TestServer, HTTPClient) async throws -> Void
) async throws {
  let server = try TestServer(script: script)
  let client = HTTPClient(configuration: configuration)
  do {
    try await body(server, client)
    await client.shutdown()
    server.stop()
  } catch {
    await client.shutdown()
    server.stop()
    throw error
  }
}

/// The error of a request that must not succeed.
func failure<Value>(_ body: () async throws(HTTPError) -> Value) async throws -> HTTPError {
  do {
    _ = try await body()
  } catch {
    return error
  }
  throw TestConnection.Failure(what: "the request succeeded")
}

/// A counter that server scripts and tests share.
final class Tally: Sendable {
  private let state = Locked(0)

  var value: Int { state.withLock { $0 } }

  @discardableResult
  func add(_ count: Int = 1) -> Int {
    state.withLock { state in
      state += count
      return state
    }
  }
}

/// Texts that server scripts and tests share.
final class Notes: Sendable {
  private let state = Locked<[String]>([])

  var all: [String] { state.withLock { $0 } }

  func add(_ text: String) { state.withLock { $0.append(text) } }
}

/// A gate that a server script waits at, on its own thread, until the test opens it.
final class Gate: Sendable {
  private let descriptors: (read: CInt, write: CInt)

  init() {
    var pair: [CInt] = [0, 0]
    precondition(pipe(&pair) == 0)
    descriptors = (pair[0], pair[1])
  }

  deinit {
    close(descriptors.read)
    close(descriptors.write)
  }

  func open() {
    var byte: UInt8 = 1
    _ = write(descriptors.write, &byte, 1)
  }

  /// Whether it was opened within `seconds`. It stays open.
  @discardableResult
  func wait(seconds: Int = 20) -> Bool {
    var descriptor = pollfd(fd: descriptors.read, events: Int16(POLLIN), revents: 0)
    return poll(&descriptor, 1, CInt(seconds * 1000)) > 0
  }
}

/// Chunks of a pattern whose sum a server can check.
struct PatternSource: HTTPBodySource {
  var left: Int64
  var chunk: Int
  var offset: Int64 = 0
  var made: Tally?

  static func byte(_ offset: Int64) -> UInt8 { UInt8(truncatingIfNeeded: offset &* 31 &+ offset >> 8) }

  mutating func next() async throws -> [UInt8]? {
    if left == 0 { return nil }
    let count = Int(min(Int64(chunk), left))
    let start = offset
    offset += Int64(count)
    left -= Int64(count)
    made?.add(count)
    return [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
      for index in 0..<count { buffer[index] = Self.byte(start + Int64(index)) }
      initialized = count
    }
  }
}

/// An order-sensitive sum over bytes.
struct Checksum {
  private(set) var value: UInt64 = 0xCBF2_9CE4_8422_2325
  private(set) var count = 0

  mutating func add(_ bytes: some Sequence<UInt8>) {
    for byte in bytes {
      value = (value ^ UInt64(byte)) &* 0x100_0000_01B3
      count += 1
    }
  }
}

func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

extension Gate {
  /// As `wait`, off the cooperative pool.
  func waitAside() async -> Bool {
    let result = OneShot<Bool>()
    startThread { result.succeed(self.wait()) }
    return await result.value
  }
}
