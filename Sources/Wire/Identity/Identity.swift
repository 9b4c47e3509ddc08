/// What makes two deliveries the same request.
public struct Identity: Hashable, Sendable {
  /// How the identity was found, strongest first.
  public enum Kind: UInt8, Hashable, Sendable, CaseIterable {
    /// The publisher named the request: `x-idempotency-key`.
    case key = 0
    /// The publisher named the message, and the body is the same.
    case messageID = 1
    /// All that the publisher sent. Equal messages may still be two requests.
    case fingerprint = 2
  }

  public var kind: Kind
  /// Over kind, tenant and what the kind is about, each with its length.
  public var digest: SHA256Digest

  /// From the ledger.
  public init(kind: Kind, digest: SHA256Digest) {
    self.kind = kind
    self.digest = digest
  }

  init(tenant: String, purpose: Purpose, key: String) {
    var hasher = Self.hasher(.key, purpose, tenant)
    hasher.update(field: key.utf8)
    self.init(kind: .key, digest: hasher.finalize())
  }

  init(tenant: String, purpose: Purpose, messageID: [UInt8], bodyHash: SHA256Digest) {
    var hasher = Self.hasher(.messageID, purpose, tenant)
    hasher.update(field: messageID)
    bodyHash.withUnsafeBytes { hasher.update($0) }
    self.init(kind: .messageID, digest: hasher.finalize())
  }

  init(tenant: String, purpose: Purpose, fingerprintOf delivery: Delivery) {
    var hasher = Self.hasher(.fingerprint, purpose, tenant)
    hasher.update(field: delivery.exchange)
    hasher.update(field: delivery.routingKey)
    hasher.update(field: delivery.body)
    var properties = delivery.properties
    properties.headers?.entries.removeAll { BrokerHeaders.contains($0.key) }
    // The broker adds the table with its first header.
    if properties.headers?.isEmpty == true { properties.headers = nil }
    var writer = PropertiesWriter()
    writer.sortsTables = true
    writer.properties(properties)
    hasher.update(field: writer.bytes)
    self.init(kind: .fingerprint, digest: hasher.finalize())
  }

  /// A cancellation that repeats the key of the request that it cancels is not that request.
  enum Purpose: UInt64 {
    case request = 0
    case cancel = 1
  }

  private static func hasher(_ kind: Kind, _ purpose: Purpose, _ tenant: String) -> SHA256 {
    var hasher = SHA256()
    hasher.update(integer: UInt64(kind.rawValue))
    hasher.update(integer: purpose.rawValue)
    hasher.update(field: tenant.utf8)
    return hasher
  }
}
