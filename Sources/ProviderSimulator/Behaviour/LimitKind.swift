/// What is limited a minute, in the words of the provider's refusals.
enum LimitKind: String, Sendable {
  case requests
  case tokens
  case inputTokens = "input_tokens"
  case outputTokens = "output_tokens"

  /// The type of the error.
  var type: String { self == .requests ? "requests" : "tokens" }

  var name: String {
    switch self {
    case .requests: "requests per min (RPM)"
    case .tokens: "tokens per min (TPM)"
    case .inputTokens: "input tokens per min (ITPM)"
    case .outputTokens: "output tokens per min (OTPM)"
    }
  }
}

extension APIError {
  static func rateLimited(_ kind: LimitKind, model: String, _ bucket: TokenBucket, needs: Int) -> APIError {
    let wait = bucket.milliseconds(until: Double(needs))
    let used = bucket.limit - bucket.told.remaining
    return APIError(
      status: 429,
      message: "Rate limit reached for \(model) in organization org-simulator on \(kind.name): Limit \(bucket.limit), "
        + "Used \(used), Requested \(needs). Please try again in \(GoDuration.text(milliseconds: wait)).",
      type: kind.type, code: "rate_limit_exceeded", retryAfterMilliseconds: wait, reason: "rate_limit_\(kind.rawValue)")
  }

  static func tooLarge(_ kind: LimitKind, model: String, limit: Int, needs: Int) -> APIError {
    APIError(
      status: 429,
      message: "Request too large for \(model) in organization org-simulator on \(kind.name): Limit \(limit), "
        + "Requested \(needs). The input or output tokens must be reduced in order to run successfully.",
      type: kind.type, code: "rate_limit_exceeded", reason: "rate_limit_too_large")
  }

  static func tooManyAtOnce(model: String, limit: Int) -> APIError {
    APIError(
      status: 429, message: "Too many requests at a time for \(model): Limit \(limit).", type: "requests",
      code: "rate_limit_exceeded", retryAfterMilliseconds: 100, reason: "rate_limit_concurrency")
  }
}
