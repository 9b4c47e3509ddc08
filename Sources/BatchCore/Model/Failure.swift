/// Why a request failed, for machines and for people. The message never holds a secret or the request's text.
public struct Failure: Error, Hashable, Sendable {
  public var code: FailureCode
  public var message: String

  public init(_ code: FailureCode, _ message: String) {
    self.code = code
    self.message = message
  }
}
