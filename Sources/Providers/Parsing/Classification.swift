import BatchCore

/// What an answer means: the one place where status codes and error codes are looked at.
enum Classification {
  /// For the answer to a call or an operation.
  /// - Parameter shouldRetry: the `x-should-retry` header, which overrides what the status alone would mean.
  static func disposition(
    statusCode: Int, error: ErrorBody?, retryAfter: Duration?, shouldRetry: Bool? = nil
  ) -> Disposition {
    if (200..<300).contains(statusCode) { return .succeeded }
    // A redirect or an interim answer is no answer to the request.
    if statusCode < 400 { return .retryable(retryAfter: retryAfter) }
    let names = error?.names ?? []
    if statusCode < 500, names.contains(where: AccountFault.billingCodes.contains) { return .accountClosed(.billing) }
    if statusCode == 400, names.contains(where: badKeys.contains) { return .accountClosed(.unauthorised) }
    if statusCode == 400, let error, isAboutCredit(error) { return .accountClosed(.billing) }
    if names.contains(where: paceCodes.contains) { return .rateLimited(retryAfter: retryAfter) }
    switch statusCode {
    case 402: return .accountClosed(.billing)
    case 403 where names.contains(where: forbiddenRequests.contains) || error.map(isAboutFile) ?? false:
      return .rejected
    case 401, 403: return .accountClosed(.unauthorised)
    case 429:
      // One request above the whole limit: no pause helps it, and it would be sent for ever.
      if let message = error?.message.lowercased(), message.hasPrefix("request too large") { return .rejected }
      return .rateLimited(retryAfter: retryAfter)
    default: break
    }
    if let shouldRetry { return shouldRetry ? .retryable(retryAfter: retryAfter) : .rejected }
    return switch statusCode {
    case 408, 409, 425, 500...: .retryable(retryAfter: retryAfter)
    default: .rejected
    }
  }

  /// Whether files must go before another is taken. The providers publish no codes for it, so their words count too.
  static func isAboutStorage(_ error: ErrorBody) -> Bool {
    if error.names.contains(where: storageCodes.contains) { return true }
    let message = error.message.lowercased()
    return storageWords.contains { message.contains($0) }
  }

  /// Anthropic says with the type of a bad request that its own credit is used up, for a call and on every line of a batch,
  /// without a code. Only the first words count: what comes later may quote the request.
  static func isAboutCredit(_ error: ErrorBody) -> Bool {
    guard error.type == "invalid_request_error" else { return false }
    let message = error.message.lowercased()
    return creditWords.contains { message.hasPrefix($0) }
  }

  /// Google refuses a request that names a file which does not exist as one that the key has no right to.
  static func isAboutFile(_ error: ErrorBody) -> Bool {
    error.message.lowercased().hasPrefix("you do not have permission to access the file")
  }

  private static let creditWords = [
    "your credit balance is too low", "you have reached your specified", "this organization has been disabled",
    "this organization is on hold",
  ]

  private static let storageCodes: Set<String> = [
    "file_limit_exceeded", "too_many_files", "storage_limit_exceeded", "file_quota_exceeded",
  ]

  private static let storageWords = ["storage limit", "storage quota", "maximum number of files", "too many files"]

  /// For a line of a batch that has a status.
  static func disposition(lineStatus: Int, error: ErrorBody?) -> Disposition {
    if lineStatus >= 400, let reason = error?.names.lazy.compactMap(notExecuted).first { return .notExecuted(reason) }
    return disposition(statusCode: lineStatus, error: error, retryAfter: nil)
  }

  /// For a line of a batch that has an error and no status.
  static func disposition(lineError error: ErrorBody?) -> Disposition {
    let names = error?.names ?? []
    if let reason = names.lazy.compactMap(notExecuted).first { return .notExecuted(reason) }
    if let status = error?.code.flatMap({ Int($0) }), (400..<600).contains(status) {
      return disposition(lineStatus: status, error: error)
    }
    if names.contains(where: AccountFault.billingCodes.contains) { return .accountClosed(.billing) }
    if names.contains(where: AccountFault.unauthorisedCodes.contains) { return .accountClosed(.unauthorised) }
    if names.contains(where: paceCodes.contains) || names.contains("rate_limit_exceeded") {
      return .rateLimited(retryAfter: nil)
    }
    // Expired lines were seen with a generic server error: what is not understood may be tried again.
    return names.contains(where: isAboutRequest) ? .rejected : .retryable(retryAfter: nil)
  }

  /// Codes of a 403 that refuses one request or one model, and leaves the account usable.
  private static let forbiddenRequests: Set<String> = [
    "model_not_found", "content_policy_violation", "content_filter", "moderation_blocked",
  ]

  /// Codes of a 400 that refuses the key: Google's.
  private static let badKeys: Set<String> = ["api_key_invalid"]

  /// Codes that ask for a slower pace with whatever status.
  private static let paceCodes: Set<String> = ["slow_down", "token_limit_exceeded"]

  private static func notExecuted(_ name: String) -> NotExecuted? {
    switch name {
    case "batch_expired": .expired
    case "batch_cancelled", "batch_canceled": .cancelled
    case "batch_failed": .failed
    default: nil
    }
  }

  /// Codes and types that blame the request itself.
  private static func isAboutRequest(_ name: String) -> Bool {
    switch name {
    case "model_not_found", "context_length_exceeded", "content_policy_violation", "content_filter",
      "invalid_request_error", "string_above_max_length", "array_above_max_length":
      true
    default: ["invalid_", "unsupported_", "missing_"].contains { name.hasPrefix($0) }
    }
  }
}
