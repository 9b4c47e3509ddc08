/// Byte-pair encoding of a short piece as it is defined: of all neighbours that merge, the ones of lowest rank do, leftmost
/// first. Its time grows with the square of the length; its memory is what common words have in the cache already.
enum ShortMerge {
  static let longest = 12

  /// Writes the tokens and returns how many there are.
  ///
  /// - Parameters:
  ///   - length: 2 to `longest`.
  ///   - parts: room for `longest` tokens.
  ///   - ranks: room for as many: what each part and the one behind it merge into.
  @inline(__always)
  static func encode(
    _ bytes: UnsafePointer<UInt8>, _ length: Int, _ vocabulary: Vocabulary, _ parts: UnsafeMutablePointer<UInt32>,
    _ ranks: UnsafeMutablePointer<UInt32>
  ) -> Int {
    var best = UInt64.max
    parts[0] = vocabulary.byteTokens[Int(bytes[0])]
    for index in 1..<length {
      parts[index] = vocabulary.byteTokens[Int(bytes[index])]
      let merged = vocabulary.pairTokens[Int(bytes[index &- 1]) << 8 | Int(bytes[index])] &- 1
      ranks[index &- 1] = merged
      best = min(best, UInt64(merged) << 8 | UInt64(truncatingIfNeeded: index &- 1))
    }
    var count = length
    while best < UInt64(Vocabulary.none) << 8 {
      let place = Int(truncatingIfNeeded: best & 0xff)
      let token = UInt32(truncatingIfNeeded: best >> 8)
      count &-= 1
      parts[place] = token
      var index = place &+ 1
      while index < count {
        parts[index] = parts[index &+ 1]
        ranks[index &- 1] = ranks[index]
        index &+= 1
      }
      if place > 0 { ranks[place &- 1] = vocabulary.merged(parts[place &- 1], token) }
      if place &+ 1 < count { ranks[place] = vocabulary.merged(token, parts[place &+ 1]) }
      best = .max
      for index in 0..<count &- 1 {
        best = min(best, UInt64(ranks[index]) << 8 | UInt64(truncatingIfNeeded: index))
      }
    }
    return count
  }
}
