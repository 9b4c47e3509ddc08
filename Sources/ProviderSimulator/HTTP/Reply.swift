import HTTPTypes
import Hummingbird
import NIOCore

/// Answers in the provider's dress.
enum Reply {
  static func json(_ body: [UInt8], status: Int = 200, headers: HTTPFields = HTTPFields()) -> Response {
    var headers = headers
    headers[.contentType] = "application/json"
    return Response(
      status: HTTPResponse.Status(code: status), headers: headers,
      body: ResponseBody(byteBuffer: ByteBuffer(bytes: body)))
  }

  static func error(_ error: APIError) -> Response {
    var headers = HTTPFields()
    if let wait = error.retryAfterMilliseconds {
      headers[.retryAfter] = String((wait + 999) / 1000)
      headers[.retryAfterMilliseconds] = String(wait)
    }
    var response = json(error.body, status: error.status, headers: headers)
    if error.html != nil { response.headers[.contentType] = "text/html" }
    return response
  }

  /// The headers that the provider puts on every answer.
  static func dress(_ response: inout Response, requestID: String, milliseconds: Int) {
    response.headers[.requestID] = requestID
    response.headers[.processingMilliseconds] = String(milliseconds)
    response.headers[.version] = "2020-10-01"
  }

  static func add(_ levels: RateLimiter.Levels, to response: inout Response) {
    if let level = levels.requests {
      response.headers[.limitRequests] = String(level.limit)
      response.headers[.remainingRequests] = String(level.remaining)
      response.headers[.resetRequests] = GoDuration.text(milliseconds: level.resetMilliseconds)
    }
    if let level = levels.tokens {
      response.headers[.limitTokens] = String(level.limit)
      response.headers[.remainingTokens] = String(level.remaining)
      response.headers[.resetTokens] = GoDuration.text(milliseconds: level.resetMilliseconds)
    }
  }

  /// An answer whose connection ends after half of its body.
  static func cut(_ body: [UInt8]) -> Response {
    var headers = HTTPFields()
    headers[.contentType] = "application/json"
    return Response(
      status: .ok, headers: headers,
      body: ResponseBody(contentLength: body.count) { writer in
        try await writer.write(ByteBuffer(bytes: body.prefix(body.count / 2)))
        throw SimulatorError("cut by a fault")
      })
  }
}

extension HTTPField.Name {
  // Fixed names: the initialiser refuses only characters that these do not have.
  static let requestID = HTTPField.Name("x-request-id")!
  static let processingMilliseconds = HTTPField.Name("openai-processing-ms")!
  static let version = HTTPField.Name("openai-version")!
  static let retryAfterMilliseconds = HTTPField.Name("retry-after-ms")!
  static let limitRequests = HTTPField.Name("x-ratelimit-limit-requests")!
  static let remainingRequests = HTTPField.Name("x-ratelimit-remaining-requests")!
  static let resetRequests = HTTPField.Name("x-ratelimit-reset-requests")!
  static let limitTokens = HTTPField.Name("x-ratelimit-limit-tokens")!
  static let remainingTokens = HTTPField.Name("x-ratelimit-remaining-tokens")!
  static let resetTokens = HTTPField.Name("x-ratelimit-reset-tokens")!
}
