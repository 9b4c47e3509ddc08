/// Runs of ASCII letters, 8 bytes at a time: where words end cannot be foreseen, so that each byte less to decide on counts.
enum ASCIILetters {
  private static let ones: UInt64 = 0x0101_0101_0101_0101
  private static let high: UInt64 = 0x8080_8080_8080_8080

  /// The end of the ASCII letters from `start` on, of either case.
  @inline(__always)
  static func end(_ text: UnsafePointer<UInt8>, _ start: Int, _ count: Int) -> Int {
    run(text, start, count, folding: 0x20)
  }

  /// The end of the lower case ASCII letters from `start` on.
  @inline(__always)
  static func lowerEnd(_ text: UnsafePointer<UInt8>, _ start: Int, _ count: Int) -> Int {
    run(text, start, count, folding: 0)
  }

  /// - Parameter folding: the bits that make an upper case letter one of lower case, or none.
  @inline(__always)
  private static func run(
    _ text: UnsafePointer<UInt8>, _ start: Int, _ count: Int, folding: UInt8
  ) -> Int {
    var index = start
    while index &+ 8 <= count {
      let word = UnsafeRawPointer(text + index).loadUnaligned(as: UInt64.self).littleEndian
      let folded = (word | UInt64(folding) &* ones) & ~high
      // The high bit of each byte: at least "a", beyond "z", and no ASCII.
      let least = folded &+ (0x80 - 0x61) &* ones
      let beyond = folded &+ (0x80 - 0x7b) &* ones
      let others = (~least | beyond | word) & high
      if others != 0 { return index &+ others.trailingZeroBitCount &>> 3 }
      index &+= 8
    }
    while index < count, text[index] | folding >= UInt8(ascii: "a"), text[index] | folding <= UInt8(ascii: "z") {
      index &+= 1
    }
    return index
  }
}
