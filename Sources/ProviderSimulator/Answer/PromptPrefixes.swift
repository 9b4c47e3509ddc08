/// The beginnings of a prompt that a prompt cache may hold: of 1,024 tokens, and of each 128 more.
struct PromptPrefixes: Sendable {
  static let shortest = 1024
  static let step = 128
  /// As many as a context of a million tokens has.
  private static let most = 8192

  /// A hash of each, the shortest first.
  private(set) var hashes: [UInt64] = []
  private var count = 0
  private var next = shortest
  private var hash: UInt64 = 0xCBF2_9CE4_8422_2325

  mutating func add(_ ids: [UInt32]) { for id in ids { add(id) } }

  /// Tokens around the texts, whose ids nobody knows.
  mutating func add(overhead tokens: Int) { for _ in 0..<max(0, tokens) { add(.max) } }

  private mutating func add(_ id: UInt32) {
    hash = (hash ^ UInt64(id)) &* 0x100_0000_01B3
    // Products alone leave the low bits of the ids in the low bits of the hash.
    hash ^= hash >> 29
    count += 1
    guard count == next, hashes.count < Self.most else { return }
    hashes.append(hash)
    next += Self.step
  }

  /// The tokens of the longest one that the test knows.
  func tokens(where isKnown: (UInt64) -> Bool) -> Int {
    guard let last = hashes.lastIndex(where: isKnown) else { return 0 }
    return Self.shortest + last * Self.step
  }
}
