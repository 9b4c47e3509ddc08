import Threading

/// Ids as the provider makes them: a prefix and 24 letters and digits that no other start of the simulator repeats.
final class IDSource: Sendable {
  private let generator: Locked<SeededGenerator>

  init() {
    var random = SystemRandomNumberGenerator()
    generator = Locked(SeededGenerator(seed: random.next()))
  }

  func next() -> String {
    let (high, low) = generator.withLock { ($0.next(), $0.next()) }
    return Bytes.base62(high, low)
  }

  /// An id that is always the same for the same name, for what must be found again after a restart.
  static func fixed(_ name: String) -> String {
    let digest = Bytes.sha256(Array(name.utf8))
    return Bytes.base62(Bytes.word(digest), Bytes.word(digest.dropFirst(8)))
  }
}
