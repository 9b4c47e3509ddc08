import HTTPTypes
import Hummingbird

/// Lets a request pass that presents the token, or asks for one of the open paths.
struct BearerToken: RouterMiddleware {
  typealias Context = AdminRequestContext

  private let expected: [UInt8]
  private let open: Set<String>

  /// - Parameter token: Not empty.
  init(_ token: String, open: Set<String>) {
    expected = Array(token.utf8)
    self.open = open
  }

  func handle(
    _ request: Request, context: AdminRequestContext,
    next: @concurrent (Request, AdminRequestContext) async throws -> Response
  ) async throws -> Response {
    if open.contains(request.uri.path) || isAllowed(request.headers[.authorization]) {
      return try await next(request, context)
    }
    return Response(
      status: .unauthorized,
      headers: [.wwwAuthenticate: "Bearer realm=\"millrace\"", .contentType: "text/plain; charset=utf-8"],
      body: ResponseBody(byteBuffer: ByteBuffer(string: "a token is needed: Authorization: Bearer <admin.token>\n")))
  }

  private func isAllowed(_ header: String?) -> Bool {
    guard let header, header.utf8.count > 7, header.prefix(7).lowercased() == "bearer " else { return false }
    return matches(Array(header.utf8.dropFirst(7)))
  }

  /// Compares in a time that depends on what was presented and not on how much of it is right.
  func matches(_ presented: [UInt8]) -> Bool {
    var difference = presented.count ^ expected.count
    for index in presented.indices {
      difference |= Int(presented[index] ^ expected[index % expected.count])
    }
    return difference == 0
  }
}

/// Refuses bodies that are announced as too large. Others are read past without being kept.
struct BodyLimit: RouterMiddleware {
  typealias Context = AdminRequestContext

  let bytes: Int

  func handle(
    _ request: Request, context: AdminRequestContext,
    next: @concurrent (Request, AdminRequestContext) async throws -> Response
  ) async throws -> Response {
    if let length = request.headers[.contentLength].flatMap({ Int($0) }), length > bytes {
      throw HTTPError(.contentTooLarge)
    }
    return try await next(request, context)
  }
}
