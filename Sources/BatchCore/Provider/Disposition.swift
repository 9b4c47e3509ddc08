/// What a provider's answer means for the request that it answers. Decided once, from status and error; nobody looks at
/// status codes after that.
public enum Disposition: Hashable, Sendable {
  /// The provider did the work; its body is the answer.
  case succeeded
  /// A definite answer about this request: the same request would be refused again.
  case rejected
  /// The provider asks for a slower pace. Nothing was billed; does not count as an attempt.
  case rateLimited(retryAfter: Duration?)
  /// The provider failed or may have; another attempt may succeed.
  case retryable(retryAfter: Duration?)
  /// The account cannot be used until somebody acts or time passes; the request itself may be fine.
  case accountClosed(AccountFault)
  /// The row of a batch was not executed and not billed: it expired or was cancelled with its batch.
  case notExecuted(NotExecuted)
}

/// Why every call of an account would fail.
public enum AccountFault: Hashable, Sendable, Codable {
  /// 401 or 403: the key is wrong, revoked or lacks permission.
  case unauthorised
  /// Credit, spend limit or quota is used up.
  case billing
}

/// Why a row of a batch did not run.
public enum NotExecuted: Hashable, Sendable {
  case expired
  case cancelled
  case failed
}
