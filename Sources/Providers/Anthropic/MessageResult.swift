import BatchCore
import Wire

/// One line of a batch's results.
struct MessageResult {
  private let customID: String
  private let type: String
  private let message: JSONSlice?
  /// `{"type":"error","error":{…},"request_id":…}`
  private let error: JSONSlice?

  /// `nil` if it is no JSON object with a custom id: nobody can be answered then.
  init?(_ line: [UInt8]) {
    guard let slice = try? JSONSlice.parse(line, maximumDepth: JSONDepth.answers),
      let customID = slice["custom_id"]?.string, !customID.isEmpty
    else { return nil }
    self.customID = customID
    let result = slice["result"]
    type = result?["type"]?.string?.lowercased() ?? ""
    message = result?["message"].flatMap { $0.isNull ? nil : $0 }
    error = result?["error"].flatMap { $0.isNull ? nil : $0 }
  }

  func result(describedBy account: AnthropicProvider) -> BatchResult {
    switch type {
    case "succeeded": succeeded(account)
    case "expired": notExecuted(.expired, "\(account.name): the batch expired before this request ran")
    case "canceled", "cancelled":
      notExecuted(.cancelled, "\(account.name): the batch was cancelled before this request ran")
    default: errored(account)
    }
  }

  private func succeeded(_ account: AnthropicProvider) -> BatchResult {
    guard let message else {
      // It ran and was billed; asking again would be paid a second time.
      return BatchResult(
        customID: customID, disposition: .rejected, response: nil, usage: nil,
        message: "\(account.name) reports a success without a message")
    }
    return BatchResult(
      customID: customID, disposition: .succeeded,
      response: ProviderResponse(statusCode: 200, requestID: nil, body: Array(message.raw)),
      usage: message["usage"].flatMap(MessageUsage.usage), message: "")
  }

  /// The error is nested in itself; a line may have it once.
  private func errored(_ account: AnthropicProvider) -> BatchResult {
    let parsed = error.flatMap { ErrorBody($0) ?? ErrorBody(error: $0) }
    let status = MessageError.status(of: parsed)
    // Without a word of what is wrong it may be tried again.
    let disposition =
      parsed == nil
      ? Disposition.retryable(retryAfter: nil) : Classification.disposition(lineStatus: status, error: parsed)
    let response = error.map {
      ProviderResponse(statusCode: status, requestID: $0["request_id"]?.string, body: Array($0.raw))
    }
    return BatchResult(
      customID: customID, disposition: disposition, response: response, usage: nil,
      message: account.lineText(parsed, status: status))
  }

  private func notExecuted(_ reason: NotExecuted, _ message: String) -> BatchResult {
    BatchResult(customID: customID, disposition: .notExecuted(reason), response: nil, usage: nil, message: message)
  }
}

extension AnthropicProvider {
  fileprivate func lineText(_ error: ErrorBody?, status: Int) -> String {
    guard let error else { return "\(name) gave neither an answer nor a reason" }
    return "\(name) " + answerText(status: status, error: error)
  }
}

/// What the types of errors stand for as status codes.
enum MessageError {
  /// An error whose type is not known counts as the provider's own failure, which may pass.
  static func status(of error: ErrorBody?) -> Int {
    switch error?.type?.lowercased() {
    case "invalid_request_error": 400
    case "authentication_error": 401
    case "billing_error": 402
    case "permission_error": 403
    case "not_found_error": 404
    case "conflict_error": 409
    case "request_too_large": 413
    case "rate_limit_error": 429
    case "timeout_error": 504
    case "overloaded_error": 529
    default: 500
    }
  }
}
