/// A key of a provider's account. Its text appears in no description.
public struct APIKey: Hashable, Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  public let secret: String
  /// Names the key without giving it away: the first eight hexadecimal digits of its SHA-256.
  public let fingerprint: String

  public init(secret: String, fingerprint: String) {
    self.secret = secret
    self.fingerprint = fingerprint
  }

  public var description: String { "key \(fingerprint)" }
  public var debugDescription: String { description }
  public var customMirror: Mirror { Mirror(self, children: ["fingerprint": fingerprint]) }
}
