/// Damages recorded answers: by bytes, by tokens, and by pieces of other answers.
struct Mutator {
  private static let tokens = [
    "null", "true", "{}", "[]", "-1", "1e999", "0.5", "9223372036854775807", "-9223372036854775808", "\"\"", "\n",
    "\r\n", "{",
    "]", ",", ":", "\"\\ud800\"", "\u{2028}", "[[[[[[[[", "\"id\":\"b\"", "\"status\":\"completed\"",
  ].map { Array($0.utf8) }

  let corpus: [[UInt8]]

  /// The input of an execution: always the same for the same number.
  func input(_ number: UInt64) -> (bytes: [UInt8], random: SplitMix) {
    var random = SplitMix(state: number &* 0x9E37_79B9_7F4A_7C15)
    var bytes = corpus.randomElement(using: &random) ?? []
    // One in sixteen is left as it is, so that what follows a parse is reached too.
    guard Int.random(in: 0..<16, using: &random) > 0 else { return (bytes, random) }
    for _ in 0..<Int.random(in: 1...5, using: &random) { damage(&bytes, &random) }
    return (bytes, random)
  }

  private func damage(_ bytes: inout [UInt8], _ random: inout SplitMix) {
    let place = Int.random(in: 0...bytes.count, using: &random)
    let end = min(bytes.count, place + Int.random(in: 0...24, using: &random))
    switch Int.random(in: 0..<8, using: &random) {
    case 0: if place < bytes.count { bytes[place] = UInt8.random(in: 0...255, using: &random) }
    case 1: bytes.removeSubrange(place..<end)
    case 2: bytes.insert(UInt8.random(in: 0...255, using: &random), at: place)
    case 3: bytes.removeSubrange(place...)
    case 4, 5: bytes.replaceSubrange(place..<end, with: Self.tokens.randomElement(using: &random) ?? [])
    case 6: bytes.insert(contentsOf: Array(bytes[place..<end]), at: place)
    default:
      let other = corpus.randomElement(using: &random) ?? []
      let from = Int.random(in: 0...other.count, using: &random)
      bytes.insert(contentsOf: other[from..<min(other.count, from + 200)], at: place)
    }
  }
}

/// Numbers by chance that a seed decides.
struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
