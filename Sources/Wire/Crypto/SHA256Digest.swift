/// The 32 bytes of a SHA-256 hash, stored inline.
public struct SHA256Digest: Hashable, Sendable, CustomStringConvertible {
  /// Big-endian words, so that their order is the order of the bytes.
  private var words: (UInt64, UInt64, UInt64, UInt64)

  public static let byteCount = 32

  /// Returns `nil` unless there are 32 bytes.
  public init?(_ bytes: some Collection<UInt8>) {
    guard bytes.count == Self.byteCount else { return nil }
    self.init(filledBy: { $0.copyBytes(from: bytes) })
  }

  /// 64 hexadecimal digits of either case.
  public init?(hex: String) {
    guard let bytes = Hexadecimal.decode(hex) else { return nil }
    self.init(bytes)
  }

  init(filledBy fill: (UnsafeMutableRawBufferPointer) -> Void) {
    words = (0, 0, 0, 0)
    withUnsafeMutableBytes(of: &words) { fill($0) }
  }

  public static func of(_ bytes: some Collection<UInt8>) -> SHA256Digest {
    var hasher = SHA256()
    hasher.update(bytes)
    return hasher.finalize()
  }

  public var bytes: [UInt8] { withUnsafeBytes { Array($0) } }

  /// 64 lower-case digits.
  public var hex: String { withUnsafeBytes { Hexadecimal.encode($0) } }

  public var description: String { hex }

  public func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
    try Swift.withUnsafeBytes(of: words, body)
  }

  /// Compares in a time that does not depend on where the difference is: for signatures.
  public func matches(_ other: SHA256Digest) -> Bool {
    let difference =
      (words.0 ^ other.words.0) | (words.1 ^ other.words.1) | (words.2 ^ other.words.2) | (words.3 ^ other.words.3)
    return difference == 0
  }

  public static func == (left: SHA256Digest, right: SHA256Digest) -> Bool { left.words == right.words }

  public func hash(into hasher: inout Hasher) {
    // A digest is random in each of its parts.
    hasher.combine(words.0)
  }
}
