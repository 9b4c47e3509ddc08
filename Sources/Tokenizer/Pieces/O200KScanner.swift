/// The pattern of `o200k_base`, with `U` for `[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]`, `L` for `[\p{Ll}\p{Lm}\p{Lo}\p{M}]` and `C`
/// for a contraction: `[^\r\n\p{L}\p{N}]?U*L+C?|[^\r\n\p{L}\p{N}]?U+L*C?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|`
/// `\s+(?!\S)|\s+`
struct O200KScanner: PieceScanner {
  private static let word = CharacterClass.upper | CharacterClass.lower | CharacterClass.either

  let classes: CharacterClasses

  @inline(__always)
  func end(_ text: UnsafePointer<UInt8>, _ start: Int, _ count: Int) -> Int {
    let first = text[start]
    let (bits, length) = classes.character(text, start)
    if bits & CharacterClass.letter != 0 {
      // A letter cannot stand before the word, so that there is one way to read it only.
      let (end, capitals) = word(text, start, count)
      return contraction(text, end > start ? end : capitals, count)
    }
    if bits & CharacterClass.number != 0 { return classes.numbers(text, start, count) }
    let next = start + length
    if next < count, !classes.isLineBreak(first) {
      let (following, _) = classes.character(text, next)
      if following & Self.word != 0 || bits & CharacterClass.either != 0 {
        let end = prefixed(text, start, next, count, isMark: bits & CharacterClass.either != 0)
        if end > start { return contraction(text, end, count) }
      } else if first == UInt8(ascii: " "),
        following & (CharacterClass.letter | CharacterClass.number | CharacterClass.space) == 0
      {
        return classes.symbols(text, next, count, takesSlashes: true)
      }
    } else if bits & CharacterClass.either != 0 {
      return next
    }
    if bits & CharacterClass.space == 0 { return classes.symbols(text, next, count, takesSlashes: true) }
    return classes.whiteSpace(text, start, count, endsWhole: false)
  }

  /// A word after a character that is neither letter nor number, or one that starts with it where it is a mark; `start` if
  /// there is none. In the order in which the pattern tries.
  @inline(__always)
  private func prefixed(
    _ text: UnsafePointer<UInt8>, _ start: Int, _ next: Int, _ count: Int, isMark: Bool
  ) -> Int {
    let (end, capitals) = word(text, next, count)
    if end > next { return end }
    if isMark { return max(word(text, start, count).end, next) }
    return capitals > next ? capitals : start
  }

  /// `end` is where `U*L+` ends, `start` if it does not match; then `capitals` is where `U+` ends.
  @inline(__always)
  private func word(_ text: UnsafePointer<UInt8>, _ start: Int, _ count: Int) -> (end: Int, capitals: Int) {
    var index = start
    // Where `U*` has to give back to, if no lower case follows it.
    var afterEither = start
    while index < count {
      let (bits, length) = classes.character(text, index)
      if bits & (CharacterClass.upper | CharacterClass.either) == 0 {
        if bits & CharacterClass.lower == 0 { break }
        let end = lower(text, index + length, count)
        return (end, end)
      }
      index += length
      if bits & CharacterClass.either != 0 { afterEither = index }
    }
    return (afterEither, index)
  }

  /// `L*`
  @inline(__always)
  private func lower(_ text: UnsafePointer<UInt8>, _ start: Int, _ count: Int) -> Int {
    let end = ASCIILetters.lowerEnd(text, start, count)
    guard end < count, text[end] >= 0x80 else { return end }
    return classes.run(text, end, count, of: CharacterClass.lower | CharacterClass.either)
  }

  @inline(__always)
  private func contraction(_ text: UnsafePointer<UInt8>, _ start: Int, _ count: Int) -> Int {
    guard start < count, text[start] == UInt8(ascii: "'") else { return start }
    let end = classes.contraction(text, start + 1, count)
    return end > start + 1 ? end : start
  }
}
