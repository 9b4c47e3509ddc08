internal import CCrypto

/// Hashes bytes that come in pieces.
public struct SHA256: ~Copyable {
  private let context: OpaquePointer

  // Looking the algorithm up costs more than hashing a short text. It is immutable and lives as long as the process.
  nonisolated(unsafe) private static let algorithm = EVP_MD_fetch(nil, "SHA256", nil)

  public init() {
    guard let context = EVP_MD_CTX_new() else { preconditionFailure("out of memory") }
    self.context = context
    let isReady = EVP_DigestInit_ex(context, Self.algorithm, nil)
    precondition(isReady == 1, "libcrypto has no SHA-256")
  }

  deinit { EVP_MD_CTX_free(context) }

  public mutating func update(_ bytes: some Collection<UInt8>) {
    let isDone: Void? = bytes.withContiguousStorageIfAvailable { update(UnsafeRawBufferPointer($0)) }
    if isDone == nil { Array(bytes).withUnsafeBytes { update($0) } }
  }

  public mutating func update(_ bytes: UnsafeRawBufferPointer) {
    _ = EVP_DigestUpdate(context, bytes.baseAddress, bytes.count)
  }

  public consuming func finalize() -> SHA256Digest {
    SHA256Digest { _ = EVP_DigestFinal_ex(context, $0.baseAddress?.assumingMemoryBound(to: UInt8.self), nil) }
  }

  /// The length goes first, so that no two lists of fields give the same bytes.
  mutating func update(field: some Collection<UInt8>) {
    update(integer: UInt64(field.count))
    update(field)
  }

  mutating func update(integer: UInt64) {
    withUnsafeBytes(of: integer.bigEndian) { update($0) }
  }
}
