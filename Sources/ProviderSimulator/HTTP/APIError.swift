import Wire

/// An answer that refuses, in the provider's shape: `{"error": {"message", "type", "param", "code"}}`.
struct APIError: Error, Hashable, Sendable {
  var status: Int
  var message: String
  var type = "invalid_request_error"
  var param: String?
  var code: String?
  var retryAfterMilliseconds: Int?
  /// How the wait is told, if not as all are.
  var retryAfterStyle: RetryAfterStyle?
  /// Sent instead of JSON, as a proxy before the provider would.
  var html: String?
  /// What the statistics count it as.
  var reason: String

  var body: [UInt8] {
    if let html { return Array(html.utf8) }
    var writer = JSONWriter(capacity: 160)
    write(into: &writer)
    return writer.bytes
  }

  func write(into writer: inout JSONWriter) {
    writer.beginObject()
    writer.key("error")
    writer.beginObject()
    writer.key("message")
    writer.string(message)
    writer.key("type")
    writer.string(type)
    writer.key("param")
    writer.string(orNull: param)
    writer.key("code")
    writer.string(orNull: code)
    writer.endObject()
    writer.endObject()
  }
}

extension APIError {
  static func invalid(_ message: String, param: String? = nil, code: String? = nil) -> APIError {
    APIError(status: 400, message: message, param: param, code: code, reason: "invalid_request")
  }

  static func missing(_ param: String) -> APIError {
    invalid("Missing required parameter: '\(param)'.", param: param, code: "missing_required_parameter")
  }

  static func notFound(_ message: String, param: String? = "id") -> APIError {
    APIError(status: 404, message: message, param: param, reason: "not_found")
  }

  static func unknownModel(_ model: String) -> APIError {
    APIError(
      status: 404, message: "The model `\(model)` does not exist or you do not have access to it.",
      code: "model_not_found", reason: "model_not_found")
  }

  static let noKey = APIError(
    status: 401, message: "No API key was given. Send it as 'Authorization: Bearer KEY'.", reason: "unauthorized")

  static let wrongKey = APIError(
    status: 401, message: "The API key is not valid for this simulator.", code: "invalid_api_key",
    reason: "unauthorized")

  static let forbiddenKey = APIError(
    status: 403, message: "You do not have access to this project.", code: "permission_denied", reason: "forbidden")

  static let noCredit = APIError(
    status: 429, message: "The credit balance of this organization is exhausted; add credit to continue.",
    type: "insufficient_quota", code: "credit_balance_exhausted", reason: "credit_balance_exhausted")

  /// A failure of the kind that passes, chosen by its status.
  static func transient(_ status: Int, retryAfterMilliseconds: Int? = nil) -> APIError {
    switch status {
    case 429:
      APIError(
        status: 429, message: "Rate limit reached (injected by the simulator). Please try again later.",
        type: "requests", code: "rate_limit_exceeded", retryAfterMilliseconds: retryAfterMilliseconds,
        reason: "injected_429")
    case 502, 504:
      APIError(
        status: status, message: "Bad gateway", html: "<html><body><h1>\(status) Bad Gateway</h1></body></html>\n",
        reason: "injected_5xx")
    case 503:
      APIError(
        status: 503, message: "The server is overloaded (injected by the simulator).",
        type: "service_unavailable_error", code: "server_is_overloaded", reason: "injected_5xx")
    case 500...:
      APIError(
        status: status, message: "The server had an error (injected by the simulator).", type: "server_error",
        reason: "injected_5xx")
    default:
      APIError(
        status: status, message: "Status \(status) (injected by the simulator).", reason: "injected_\(status)")
    }
  }
}

extension JSONWriter {
  mutating func string(orNull text: String?) {
    if let text { string(text) } else { null() }
  }

  mutating func int(orNull value: Int?) {
    if let value { int(value) } else { null() }
  }
}
