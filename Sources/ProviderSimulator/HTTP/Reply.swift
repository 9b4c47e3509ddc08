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

  /// - Parameters:
  ///   - now: Milliseconds since 1970.
  ///   - body: Instead of the error's own.
  static func error(_ error: APIError, style: RetryAfterStyle, now: Int, body: [UInt8]? = nil) -> Response {
    var headers = HTTPFields()
    if let wait = error.retryAfterMilliseconds {
      switch style {
      case .seconds, .both: headers[.retryAfter] = String((wait + 999) / 1000)
      case .date: headers[.retryAfter] = HTTPDate.text(second: (now + wait + 999) / 1000)
      case .ms, .none: break
      }
      if style == .ms || style == .both { headers[.retryAfterMilliseconds] = String(wait) }
    }
    var response = json(body ?? error.body, status: error.status, headers: headers)
    if error.html != nil { response.headers[.contentType] = "text/html" }
    return response
  }

  /// The headers that the provider puts on every answer.
  static func dress(_ response: inout Response, _ dialect: Dialect, requestID: String, milliseconds: Int) {
    if dialect.isAzure {
      response.headers[.azureRequestID] = requestID
      response.headers[.azureRegion] = "Simulator Central"
      return
    }
    if dialect == .gemini { return }
    if dialect == .anthropic {
      response.headers[.anthropicRequestID] = requestID
      if response.status.code >= 400 {
        let mayPass = response.status.code == 429 || response.status.code >= 500
        response.headers[.shouldRetry] = mayPass ? "true" : "false"
      }
      return
    }
    if dialect == .mistral {
      response.headers[.mistralRequestID] = requestID
      return
    }
    response.headers[.requestID] = requestID
    response.headers[.processingMilliseconds] = String(milliseconds)
    response.headers[.version] = "2020-10-01"
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
  static let mistralRequestID = HTTPField.Name("mistral-correlation-id")!
  static let azureRequestID = HTTPField.Name("apim-request-id")!
  static let azureRegion = HTTPField.Name("x-ms-region")!
  static let apiKey = HTTPField.Name("api-key")!
  static let enqueuedTokens = HTTPField.Name("deployment-enqueued-tokens")!
  static let maximumEnqueuedTokens = HTTPField.Name("deployment-maximum-enqueued-tokens")!
  static let version = HTTPField.Name("openai-version")!
  static let retryAfterMilliseconds = HTTPField.Name("retry-after-ms")!
}
