import Ledger
package import Wire

/// Names the rows of one identity in the index: half of its digest, which is still out of reach for a search for
/// collisions between tenants.
package struct CallKey: Hashable {
  private let digest: SHA256Digest

  package init(_ identity: Identity) { digest = identity.digest }

  /// The 16 bytes.
  package func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
    try digest.withUnsafeBytes { try body(UnsafeRawBufferPointer(rebasing: $0[..<16])) }
  }

  /// The same for equal keys, and spread evenly: for a lock that has a number for its name.
  package var lockNumber: Int64 { withUnsafeBytes { $0.loadUnaligned(as: Int64.self) } }
}

/// Where a row is among those of its identity: one key of the index finds any of them, however many there are.
///
/// - A call's leader: its generation, from 0, times 2^32.
/// - Another subscriber: its leader's plus a hash of whom it answers.
/// - A refused row that is not the first of its identity: below 0, by a hash of whom it answers and its body.
package enum Ordinal {
  private static let slots: Int64 = 1 << 32

  package static func leader(_ generation: Int64) -> Int64 { generation * slots }

  package static func generation(_ ordinal: Int64) -> Int64 { ordinal >> 32 }

  static func subscriber(of leader: Int64, _ envelope: Envelope) -> Int64 {
    leader + 1 + Int64(truncatingIfNeeded: hash(envelope, nil) >> 33)
  }

  static func refused(_ envelope: Envelope, bodyHash: SHA256Digest) -> Int64 {
    -1 - Int64(truncatingIfNeeded: hash(envelope, bodyHash) >> 2)
  }

  /// Where a search goes on when the place holds something else.
  static func next(_ ordinal: Int64) -> Int64 { ordinal < 0 ? ordinal - 1 : ordinal + 1 }

  /// The same on every start: it is stored.
  private static func hash(_ envelope: Envelope, _ bodyHash: SHA256Digest?) -> UInt64 {
    var hasher = SHA256()
    // The base id stands for correlation ID and reply_to, each with its length.
    hasher.update(envelope.ledgerID.bytes)
    if let bodyHash { bodyHash.withUnsafeBytes { hasher.update($0) } }
    return hasher.finalize().withUnsafeBytes { $0.loadUnaligned(as: UInt64.self).bigEndian }
  }
}

extension LedgerID {
  /// Another id for another row of the same subscriber: a later generation, or a refusal beside a call.
  func mixed(with ordinal: Int64) -> LedgerID {
    var hasher = SHA256()
    hasher.update(bytes)
    withUnsafeBytes(of: ordinal.bigEndian) { hasher.update($0) }
    return hasher.finalize().withUnsafeBytes { LedgerID(bytes: UnsafeRawBufferPointer(rebasing: $0[..<16])) } ?? self
  }
}
