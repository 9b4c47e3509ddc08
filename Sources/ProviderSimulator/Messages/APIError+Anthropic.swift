import Wire

extension APIError {
  /// The refusal as Anthropic tells it.
  func anthropicBody(requestID: String) -> [UInt8] {
    if let html { return Array(html.utf8) }
    var writer = JSONWriter(capacity: 200)
    writeAnthropic(requestID: requestID, into: &writer)
    return writer.bytes
  }

  func writeAnthropic(requestID: String, into writer: inout JSONWriter) {
    writer.beginObject()
    writer.field("type", "error")
    writer.key("error")
    writer.beginObject()
    writer.field("type", anthropicType)
    writer.field("message", message)
    writer.endObject()
    writer.field("request_id", requestID)
    writer.endObject()
  }

  private var anthropicType: String {
    switch status {
    case 401: "authentication_error"
    case 402: "billing_error"
    case 403: "permission_error"
    case 404: "not_found_error"
    case 409: "conflict_error"
    case 413: "request_too_large"
    case 429: "rate_limit_error"
    case 504: "timeout_error"
    case 529, 503: "overloaded_error"
    case 500...: "api_error"
    default: "invalid_request_error"
    }
  }

  /// What Anthropic says where the money is used up: the type is that of a bad request, and there is no code.
  static let anthropicCredit = APIError(
    status: 400,
    message: "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or "
      + "purchase credits.", reason: "credit_balance_exhausted")

  static let noVersion = APIError(
    status: 400, message: "anthropic-version: header is required", reason: "invalid_request")
}
