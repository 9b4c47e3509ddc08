extension HTTPExchange {
  /// There is no complete answer.
  public struct Failure: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Phase: Hashable, Sendable {
      case connect
      case idle
      case total
    }

    public enum Kind: Hashable, Sendable {
      /// No connection: name not found, refused, no route.
      case unreachable
      case timedOut(Phase)
      case connectionLost
      case responseTooLarge
      case tls
      case cancelled
      case invalidURL
      /// The source of the request's body failed, or gave another number of bytes than was declared.
      case bodySource
    }

    public var kind: Kind
    /// Whether any byte of the request may have reached the other side.
    public var requestMayHaveBeenSent: Bool
    /// One line for people, without secrets.
    public var message: String

    public init(_ kind: Kind, requestMayHaveBeenSent: Bool, message: String) {
      self.kind = kind
      self.requestMayHaveBeenSent = requestMayHaveBeenSent
      self.message = message
    }

    public var description: String { message }
  }
}
