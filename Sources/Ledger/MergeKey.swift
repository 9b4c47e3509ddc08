public import Wire

/// What requests have in common that one call can answer: the tenant that pays for it, the body, and where it goes.
public struct MergeKey: Hashable, Sendable {
  public let digest: SHA256Digest

  /// How many requests one call answers besides its own: its end is one commit for all of them.
  public static let mostFollowers = 1000

  /// - Parameter bodyHash: over endpoint and provider body.
  public init(tenant: String, bodyHash: SHA256Digest, route: Route) {
    var hasher = SHA256()
    for text in [tenant, route.provider, route.model] {
      // With their lengths, so that no two lists of texts run together into the same bytes.
      withUnsafeBytes(of: UInt64(text.utf8.count).bigEndian) { hasher.update($0) }
      hasher.update(text.utf8)
    }
    bodyHash.withUnsafeBytes { hasher.update($0) }
    digest = hasher.finalize()
  }
}
