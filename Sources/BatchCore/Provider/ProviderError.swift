/// An operation on files or batches did not succeed.
public struct ProviderError: Error, Hashable, Sendable, CustomStringConvertible {
  public enum Reason: Hashable, Sendable {
    /// The provider answered with a refusal that will not change.
    case rejected(statusCode: Int)
    case notFound
    case rateLimited(retryAfter: Duration?)
    case accountClosed(AccountFault)
    /// The account has no native batches: there is no such endpoint.
    case noBatches
    /// The account stores as many files as it may.
    case storageFull
    /// It failed, or was not reached; another try may succeed.
    case unavailable(retryAfter: Duration?)
    /// The answer made no sense.
    case invalidResponse
    case cancelled
  }

  public var reason: Reason
  /// Whether the provider may have carried out the operation all the same.
  public var isAmbiguous: Bool
  /// One line for people, without secrets.
  public var message: String

  public init(_ reason: Reason, isAmbiguous: Bool, message: String) {
    self.reason = reason
    self.isAmbiguous = isAmbiguous
    self.message = message
  }

  public var description: String { message }
}

extension ProviderError.Reason {
  /// Whether another key might have been answered otherwise: 401, 403 and 404.
  public var isAboutKey: Bool {
    switch self {
    case .notFound, .accountClosed(.unauthorised): true
    case .rejected, .rateLimited, .accountClosed(.billing), .noBatches, .storageFull, .unavailable, .invalidResponse,
      .cancelled:
      false
    }
  }
}
