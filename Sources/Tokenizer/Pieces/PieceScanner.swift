/// Cuts a text into the pieces of an encoding's pattern, none of which a token crosses.
protocol PieceScanner {
  /// Where the piece that starts at `start` ends: always beyond it, and on the boundary of a character.
  ///
  /// - Parameter text: `count` bytes of valid UTF-8.
  /// - Precondition: `start < count`, on the boundary of a character.
  func end(_ text: UnsafePointer<UInt8>, _ start: Int, _ count: Int) -> Int
}

extension CharacterClasses {
  /// The end of the characters from `start` on that have any of the bits.
  @inline(__always)
  func run(_ text: UnsafePointer<UInt8>, _ start: Int, _ count: Int, of bits: UInt8) -> Int {
    var index = start
    while index < count {
      let (found, length) = character(text, index)
      if found & bits == 0 { break }
      index += length
    }
    return index
  }

  /// `\p{N}{1,3}` where the first is known to match.
  @inline(__always)
  func numbers(_ text: UnsafePointer<UInt8>, _ start: Int, _ count: Int) -> Int {
    var index = start
    for _ in 0..<3 where index < count {
      let (found, length) = character(text, index)
      if found & CharacterClass.number == 0 { break }
      index += length
    }
    return index
  }

  /// `[^\s\p{L}\p{N}]+` where the first is known to match, then line breaks, and slashes where the pattern takes them.
  @inline(__always)
  func symbols(_ text: UnsafePointer<UInt8>, _ start: Int, _ count: Int, takesSlashes: Bool) -> Int {
    var index = run(
      text, start, count, without: CharacterClass.letter | CharacterClass.number | CharacterClass.space)
    while index < count, isLineBreak(text[index]) || takesSlashes && text[index] == UInt8(ascii: "/") { index += 1 }
    return index
  }

  /// The alternatives for white space: up to the last line break, else all but the last character before text.
  ///
  /// - Parameter endsWhole: whether white space at the end of the text is one piece although it has a line break.
  @inline(__always)
  func whiteSpace(_ text: UnsafePointer<UInt8>, _ start: Int, _ count: Int, endsWhole: Bool) -> Int {
    var index = start
    var last = start
    var afterBreak = start
    while index < count {
      let (found, length) = character(text, index)
      if found & CharacterClass.space == 0 { break }
      last = index
      index += length
      if isLineBreak(text[last]) { afterBreak = index }
    }
    if endsWhole && index == count { return index }
    if afterBreak > start { return afterBreak }
    if index == count { return index }
    return last > start ? last : index
  }

  @inline(__always)
  func isLineBreak(_ byte: UInt8) -> Bool { byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") }

  /// The end of an English contraction's letters (`s`, `d`, `m`, `t`, `ll`, `ve`, `re` in any case, and the long s, which
  /// folds to s) after the apostrophe before `start`; `start` if there is none.
  @inline(__always)
  func contraction(_ text: UnsafePointer<UInt8>, _ start: Int, _ count: Int) -> Int {
    guard start < count else { return start }
    let first = text[start]
    if first == 0xc5 { return text[start + 1] == 0xbf ? start + 2 : start }
    switch first | 0x20 {
    case UInt8(ascii: "s"), UInt8(ascii: "d"), UInt8(ascii: "m"), UInt8(ascii: "t"): return start + 1
    case UInt8(ascii: "l"): return follows(text, start, count, UInt8(ascii: "l")) ? start + 2 : start
    case UInt8(ascii: "v"), UInt8(ascii: "r"): return follows(text, start, count, UInt8(ascii: "e")) ? start + 2 : start
    default: return start
    }
  }

  @inline(__always)
  private func follows(_ text: UnsafePointer<UInt8>, _ start: Int, _ count: Int, _ letter: UInt8) -> Bool {
    start + 1 < count && text[start + 1] | 0x20 == letter
  }
}
