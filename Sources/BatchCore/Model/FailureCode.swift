/// Why a request failed: the closed set of codes that a reply's `error.code` may carry.
public enum FailureCode: String, Hashable, Sendable, CaseIterable {
  case invalidJSON = "invalid_json"
  case invalidRequest = "invalid_request"
  case invalidHeader = "invalid_header"
  case unsupportedEndpoint = "unsupported_endpoint"
  case unknownModel = "unknown_model"
  case tooLarge = "too_large"
  case contextLengthExceeded = "context_length_exceeded"
  case deadlineExceeded = "deadline_exceeded"
  case idempotencyConflict = "idempotency_conflict"
  case budgetExceeded = "budget_exceeded"
  case cancelled = "cancelled"
  case providerRejected = "provider_rejected"
  case providerUnavailable = "provider_unavailable"
  case quotaExhausted = "quota_exhausted"
  case batchExpired = "batch_expired"
  case resultMissing = "result_missing"
  case replyTooLarge = "reply_too_large"
  case deliveryLimit = "delivery_limit"

  /// Whether a request with this outcome could never have been sent, whatever was done with it.
  public var isPoison: Bool {
    switch self {
    case .invalidJSON, .invalidRequest, .invalidHeader, .unsupportedEndpoint, .unknownModel, .tooLarge,
      .contextLengthExceeded, .deliveryLimit:
      true
    case .deadlineExceeded, .idempotencyConflict, .budgetExceeded, .cancelled, .providerRejected,
      .providerUnavailable, .quotaExhausted, .batchExpired, .resultMissing, .replyTooLarge:
      false
    }
  }
}
