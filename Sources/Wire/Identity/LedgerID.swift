/// Names a subscriber: one request of one publisher, and so its reply. The same request gives the same id for ever.
public struct LedgerID: Hashable, Sendable, CustomStringConvertible {
  private var high: UInt64
  private var low: UInt64

  private static let prefix = "req_"
  private static let digitCount = 26
  private static let alphabet = Array("0123456789abcdefghjkmnpqrstvwxyz".utf8)

  /// Derived, so that a redelivery finds what its first delivery wrote.
  ///
  /// - Parameter correlationID: empty where it is generated, since it is generated from this id.
  public init(identity: Identity, correlationID: some Collection<UInt8>, replyTo: (some Collection<UInt8>)?) {
    var hasher = SHA256()
    identity.digest.withUnsafeBytes { hasher.update($0) }
    hasher.update(field: correlationID)
    if let replyTo { hasher.update(field: replyTo) }
    self.init(digest: hasher.finalize())
  }

  private init(digest: SHA256Digest) {
    (high, low) = digest.withUnsafeBytes {
      (
        UInt64(bigEndian: $0.loadUnaligned(fromByteOffset: 0, as: UInt64.self)),
        UInt64(bigEndian: $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
      )
    }
  }

  /// Returns `nil` unless there are 16 bytes.
  public init?(bytes: some Collection<UInt8>) {
    guard bytes.count == 16 else { return nil }
    (high, low) = (0, 0)
    for (place, byte) in bytes.enumerated() {
      if place < 8 { high = high << 8 | UInt64(byte) } else { low = low << 8 | UInt64(byte) }
    }
  }

  /// `req_` and 26 digits of Crockford's base 32, in either case.
  public init?(_ text: String) {
    let lowered = text.lowercased()
    guard lowered.hasPrefix(Self.prefix), lowered.utf8.count == Self.prefix.utf8.count + Self.digitCount else {
      return nil
    }
    var value: UInt128 = 0
    for (place, digit) in lowered.utf8.dropFirst(Self.prefix.utf8.count).enumerated() {
      // 26 digits hold 130 bits.
      guard let index = Self.alphabet.firstIndex(of: digit), place > 0 || index < 8 else { return nil }
      value = value << 5 | UInt128(index)
    }
    (high, low) = (UInt64(truncatingIfNeeded: value >> 64), UInt64(truncatingIfNeeded: value))
  }

  /// The 16 bytes, in the order of the text.
  public var bytes: [UInt8] {
    withUnsafeBytes(of: (high.bigEndian, low.bigEndian)) { Array($0) }
  }

  /// `req_` and 26 lower-case digits; sorts as the bytes do.
  public var text: String {
    var text = Array(Self.prefix.utf8)
    let value = UInt128(high) << 64 | UInt128(low)
    for place in (0..<Self.digitCount).reversed() {
      text.append(Self.alphabet[Int(truncatingIfNeeded: value >> UInt128(5 * place)) & 31])
    }
    return String(decoding: text, as: UTF8.self)
  }

  public var description: String { text }
}
