/// Why whole batches are refused.
extension BatchRecord.Problem {
  static func tooManyTokens(model: String, limit: Int) -> BatchRecord.Problem {
    BatchRecord.Problem(
      code: "token_limit_exceeded",
      message: "Enqueued token limit reached for \(model) in organization org-simulator. Limit: \(grouped(limit)) "
        + "enqueued tokens. Please try again once some in_progress batches have been completed.")
  }

  static let billingHardLimit = BatchRecord.Problem(
    code: QuotaCode.billingHardLimitReached.rawValue, message: "Billing hard limit has been reached")

  /// `2,000,000`, as the provider writes it.
  static func grouped(_ number: Int) -> String {
    var groups: [Substring] = []
    var rest = Substring(String(number))
    while rest.count > 3 {
      groups.append(rest.suffix(3))
      rest = rest.dropLast(3)
    }
    return ([rest] + groups.reversed()).joined(separator: ",")
  }
}
