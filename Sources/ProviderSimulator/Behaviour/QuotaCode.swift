/// How it is said that a project's money is used up.
enum QuotaCode: String, CaseIterable, Sendable {
  case insufficientQuota = "insufficient_quota"
  case creditBalanceExhausted = "credit_balance_exhausted"
  case billingHardLimitReached = "billing_hard_limit_reached"
  case paymentRequired = "payment_required"

  var error: APIError {
    switch self {
    case .insufficientQuota:
      APIError(
        status: 429, message: "You exceeded your current quota, please check your plan and billing details.",
        type: "insufficient_quota", code: rawValue, reason: rawValue)
    case .creditBalanceExhausted: .noCredit
    case .billingHardLimitReached:
      APIError(status: 400, message: "Billing hard limit has been reached", code: rawValue, reason: rawValue)
    case .paymentRequired:
      APIError(
        status: 402, message: "Insufficient balance.", type: "billing_error", code: rawValue, reason: rawValue)
    }
  }
}
