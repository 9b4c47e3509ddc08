/// Chance that is the same in every run: a roll depends on the seed, on what is rolled for, and on nothing else.
struct Dice: Sendable {
  /// Whom a roll is for; keeps the rolls for different faults independent.
  enum Kind: UInt64, Sendable {
    case tooMany = 1
    case serverError
    case serverErrorKind
    case hang
    case cut
    case lineMissing
    case lineError
    case lineErrorKind
    case lineReject
    case expire
    case expirePoint
    case nullOutput
    case createTimeout
    case createError
    case controlTooMany
    case controlServerError
    case controlCut
    case tail
    case shuffle
    case createReset
    case createLost
    case latency
  }

  let seed: UInt64

  /// A number in 0..<1.
  ///
  /// - Parameters:
  ///   - content: The hash of a prompt, or the ordinal of a batch or a call.
  ///   - attempt: How often this content was tried before.
  func roll(_ kind: Kind, content: UInt64, attempt: Int = 0) -> Double {
    Double(bits(kind, content: content, attempt: attempt) >> 11) * 0x1p-53
  }

  func bits(_ kind: Kind, content: UInt64, attempt: Int = 0) -> UInt64 {
    var mixed = Self.mix(seed &+ 0x9e37_79b9_7f4a_7c15 &* kind.rawValue)
    mixed = Self.mix(mixed ^ content)
    return Self.mix(mixed ^ UInt64(truncatingIfNeeded: attempt))
  }

  /// The finishing step of SplitMix64.
  static func mix(_ value: UInt64) -> UInt64 {
    var z = value &+ 0x9e37_79b9_7f4a_7c15
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}

/// A generator whose sequence is fixed by its seed.
struct SeededGenerator: RandomNumberGenerator, Sendable {
  private var state: UInt64

  init(seed: UInt64) {
    state = seed
  }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    return Dice.mix(state)
  }
}
