import Glibc
import Providers
import Settings
import Threading

/// A transport that adds a bearer token to what it sends. The token is read from its file, anew whenever that changes: what
/// renews it is somebody else.
struct TokenExchange: HTTPExchanging {
  let exchange: any HTTPExchanging
  let file: TokenFile

  func send(_ request: HTTPExchange.Request) async throws(HTTPExchange.Failure) -> HTTPExchange.Response {
    let token = try await file.token()
    let response = try await exchange.send(request.bearing(token))
    guard response.status == 401, request.isRepeatable,
      let newer = try? await file.token(isFresh: true), newer != token
    else {
      return response
    }
    // It was renewed while the request was on its way, which was refused unread.
    return try await exchange.send(request.bearing(newer))
  }

  func open(_ request: HTTPExchange.Request) async throws(HTTPExchange.Failure) -> HTTPExchange.OpenResponse {
    let token = try await file.token()
    let response = try await exchange.open(request.bearing(token))
    guard response.status == 401, request.isRepeatable,
      let newer = try? await file.token(isFresh: true), newer != token
    else { return response }
    return try await exchange.open(request.bearing(newer))
  }
}

/// A file with a token. Its text appears in no description.
actor TokenFile {
  private let path: String
  private let provider: String
  private var last: (stamp: Stamp, token: String)?
  private var lookedAt: ContinuousClock.Instant?
  /// How long the file is not looked at again, unless a token was refused.
  private static let trust = Duration.seconds(1)

  private struct Stamp: Equatable, Sendable {
    var inode: UInt64
    var size: Int64
    var seconds: Int64
    var nanoseconds: Int64
  }

  private struct Unreadable: Error {
    var reason: String
  }

  /// - Parameter provider: The name in the configuration, for errors.
  init(path: String, provider: String) {
    self.path = path
    self.provider = provider
  }

  /// - Parameter isFresh: Whether to look at the file in any case.
  func token(isFresh: Bool = false) async throws(HTTPExchange.Failure) -> String {
    if !isFresh, let last, let lookedAt, ContinuousClock.now - lookedAt < Self.trust { return last.token }
    let (path, last) = (path, last)
    do {
      let found = try await Blocking.run { () throws(Unreadable) in try Self.read(path, unless: last?.stamp) }
      lookedAt = .now
      guard let found else { return last?.token ?? "" }
      self.last = found
      return found.token
    } catch {
      throw HTTPExchange.Failure(
        .unreachable, requestMayHaveBeenSent: false,
        message: "providers.\(provider).token_file \(path) \(error.reason)")
    }
  }

  /// Nil if the file is as it was.
  private static func read(_ path: String, unless known: Stamp?) throws(Unreadable) -> (stamp: Stamp, token: String)? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw Unreadable(reason: "cannot be read: \(String(cString: strerror(errno)))") }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      throw Unreadable(reason: "is no file")
    }
    let stamp = Stamp(
      inode: UInt64(status.st_ino), size: Int64(status.st_size), seconds: Int64(status.st_mtim.tv_sec),
      nanoseconds: Int64(status.st_mtim.tv_nsec))
    if stamp == known { return nil }
    var bytes = [UInt8](repeating: 0, count: 65_537)
    var count = 0
    while count < bytes.count {
      let found = bytes.withUnsafeMutableBytes { buffer in
        Glibc.read(descriptor, buffer.baseAddress.map { $0 + count }, buffer.count - count)
      }
      if found < 0 && errno == EINTR { continue }
      guard found >= 0 else { throw Unreadable(reason: "cannot be read: \(String(cString: strerror(errno)))") }
      if found == 0 { break }
      count += found
    }
    let token = String(decoding: bytes.prefix(count), as: UTF8.self).filter { !$0.isWhitespace }
    // A file that is being written may be empty for a moment.
    if ProviderSettings.tokenProblem(token) { throw Unreadable(reason: "holds no token") }
    return (stamp, token)
  }
}

extension HTTPExchange.Request {
  /// Whether its body can be sent a second time.
  fileprivate var isRepeatable: Bool {
    switch body {
    case nil, .bytes, .segments: true
    case .stream: false
    }
  }

  fileprivate func bearing(_ token: String) -> HTTPExchange.Request {
    // What comes without any of the account's headers goes to somebody else.
    guard headers.contains(where: { $0.name == "User-Agent" }) else { return self }
    var request = self
    request.headers.append(("Authorization", "Bearer " + token))
    return request
  }
}
