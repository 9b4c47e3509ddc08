/// The pattern of `cl100k_base`:
/// `'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s`
struct CL100KScanner: PieceScanner {
  let classes: CharacterClasses

  @inline(__always)
  func end(_ text: UnsafePointer<UInt8>, _ start: Int, _ count: Int) -> Int {
    let first = text[start]
    if first == UInt8(ascii: "'") {
      let end = classes.contraction(text, start + 1, count)
      if end > start + 1 { return end }
    }
    let (bits, length) = classes.character(text, start)
    let next = start + length
    if bits & CharacterClass.letter != 0 { return letters(text, next, count) }
    if bits & CharacterClass.number != 0 { return classes.numbers(text, start, count) }
    if next < count, !classes.isLineBreak(first) {
      let (following, width) = classes.character(text, next)
      if following & CharacterClass.letter != 0 {
        return letters(text, next + width, count)
      }
      if first == UInt8(ascii: " "), following & (CharacterClass.number | CharacterClass.space) == 0 {
        return classes.symbols(text, next, count, takesSlashes: false)
      }
    }
    if bits & CharacterClass.space == 0 { return classes.symbols(text, next, count, takesSlashes: false) }
    return classes.whiteSpace(text, start, count, endsWhole: true)
  }

  @inline(__always)
  private func letters(_ text: UnsafePointer<UInt8>, _ start: Int, _ count: Int) -> Int {
    let end = ASCIILetters.end(text, start, count)
    return end < count && text[end] >= 0x80 ? classes.run(text, end, count, of: CharacterClass.letter) : end
  }
}
