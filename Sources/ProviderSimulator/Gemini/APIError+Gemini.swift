import Wire

extension APIError {
  /// Changes what Gemini says with another status.
  mutating func speakGemini(badKeyIs400: Bool) {
    if reason == "unauthorized" {
      message = "API key not valid. Please pass a valid API key."
      if badKeyIs400 { status = 400 }
    }
  }

  /// The refusal as Google's APIs tell it.
  /// - Parameter tellsWait: Whether the wait stands in the details.
  func geminiBody(tellsWait: Bool) -> [UInt8] {
    if let html { return Array(html.utf8) }
    var writer = JSONWriter(capacity: 300)
    writer.beginObject()
    writer.key("error")
    writer.beginObject()
    writer.field("code", status)
    writer.field("message", message)
    writer.field("status", googleStatus.name)
    var details: [String] = []
    if reason == "unauthorized" {
      details.append(
        #"{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_INVALID","domain":"googleapis.com"}"#)
    }
    if status == 429 {
      details.append(
        #"{"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":[{"quotaId":"GenerateRequestsPerMinutePerProjectPerModel"}]}"#
      )
    }
    if tellsWait, let wait = retryAfterMilliseconds {
      let delay = LimitHeaders.seconds(wait) + "s"
      details.append(#"{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"\#(delay)"}"#)
    }
    if !details.isEmpty {
      writer.key("details")
      writer.raw("[\(details.joined(separator: ","))]".utf8)
    }
    writer.endObject()
    writer.endObject()
    return writer.bytes
  }

  /// What stands on a line of results: the number of the status, and no name.
  func writeGeminiRow(into writer: inout JSONWriter) {
    writer.beginObject()
    writer.field("code", googleStatus.number)
    writer.field("message", message)
    writer.endObject()
  }

  private var googleStatus: (number: Int, name: String) {
    switch status {
    case 401: (16, "UNAUTHENTICATED")
    case 403: (7, "PERMISSION_DENIED")
    case 404: (5, "NOT_FOUND")
    case 409: (10, "ABORTED")
    case 429: (8, "RESOURCE_EXHAUSTED")
    case 499: (1, "CANCELLED")
    case 504: (4, "DEADLINE_EXCEEDED")
    case 503: (14, "UNAVAILABLE")
    case 500...: (13, "INTERNAL")
    default: (3, "INVALID_ARGUMENT")
    }
  }

  static let geminiCredit = APIError(
    status: 402, message: "The prepaid credit of this project is used up.", reason: "credit_balance_exhausted")

  static func noGeminiFile(_ id: String, isForbidden: Bool) -> APIError {
    isForbidden
      ? APIError(
        status: 403, message: "You do not have permission to access the File \(id) or it may not exist.",
        reason: "file_not_found") : .notFound("The file files/\(id) was not found.")
  }
}
