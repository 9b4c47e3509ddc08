/// Checks bytes for UTF-8 and makes UTF-8 of what is none.
enum UTF8Text {
  /// Where the first byte is that does not belong, `count` if there is none. Runs over ASCII by 8 bytes at a time.
  static func validEnd(_ text: UnsafeBufferPointer<UInt8>, from start: Int = 0) -> Int {
    guard let base = text.baseAddress else { return 0 }
    var index = start
    while index < text.count {
      if base[index] < 0x80 {
        if index + 8 <= text.count,
          UnsafeRawPointer(base + index).loadUnaligned(as: UInt64.self) & 0x8080_8080_8080_8080 == 0
        {
          index += 8
        } else {
          index += 1
        }
        continue
      }
      let (length, isWhole) = character(base, index, text.count)
      if !isWhole { return index }
      index += length
    }
    return index
  }

  /// The text with U+FFFD for each longest start of a character that is not continued, as decoders do it everywhere.
  ///
  /// - Parameter validEnd: up to where the text is known to be valid.
  static func repaired(_ text: UnsafeBufferPointer<UInt8>, validEnd: Int) -> [UInt8] {
    guard let base = text.baseAddress else { return [] }
    // Every byte may become three, and words are written whole.
    return [UInt8](unsafeUninitializedCapacity: validEnd + (text.count - validEnd) * 3 + 8) { buffer, count in
      guard let output = buffer.baseAddress else { return }
      output.initialize(from: base, count: validEnd)
      var index = validEnd
      count = repairWords(base, &index, text.count, output, validEnd)
      while index < text.count {
        let (length, isWhole) = character(base, index, text.count)
        if isWhole {
          for place in 0..<length { output[count &+ place] = base[index &+ place] }
          count &+= length
        } else {
          UnsafeMutableRawPointer(output + count).storeBytes(of: replacement, as: UInt32.self)
          count &+= 3
        }
        index &+= length
      }
    }
  }

  /// U+FFFD, and a zero that the next character is written over.
  private static var replacement: UInt32 { UInt32(0x00bd_bfef).littleEndian }

  /// Repairs all but the end, and returns the new end of the output. Where the bytes are random, all time goes into branches
  /// that were foretold wrongly: there are only such that nearly always go the same way.
  private static func repairWords(
    _ text: UnsafePointer<UInt8>, _ index: inout Int, _ count: Int, _ output: UnsafeMutablePointer<UInt8>, _ end: Int
  ) -> Int {
    var (place, end) = (index, end)
    while place &+ 16 <= count {
      let word = UnsafeRawPointer(text + place).loadUnaligned(as: UInt64.self).littleEndian
      UnsafeMutableRawPointer(output + end).storeBytes(of: word.littleEndian, as: UInt64.self)
      let run = (word & 0x8080_8080_8080_8080).trailingZeroBitCount &>> 3
      place &+= run
      end &+= run
      if run == 8 { continue }
      let outside: UInt8 = text[place] &- 0xc2 > 0xf4 - 0xc2 ? 1 : 0
      let isNotContinued: UInt8 = text[place &+ 1] & 0xc0 == 0x80 ? 0 : 1
      var length = 1
      if outside | isNotContinued == 0 {
        let isWhole: Bool
        (length, isWhole) = character(text, place, count)
        if isWhole {
          let whole = UnsafeRawPointer(text + place).loadUnaligned(as: UInt32.self)
          UnsafeMutableRawPointer(output + end).storeBytes(of: whole, as: UInt32.self)
          place &+= length
          end &+= length
          continue
        }
      }
      UnsafeMutableRawPointer(output + end).storeBytes(of: replacement, as: UInt32.self)
      place &+= length
      end &+= 3
    }
    index = place
    return end
  }

  /// The length of the character at `index`, or of the start of one.
  @inline(__always)
  private static func character(
    _ text: UnsafePointer<UInt8>, _ index: Int, _ count: Int
  ) -> (length: Int, isWhole: Bool) {
    let first = text[index]
    if first < 0x80 { return (1, true) }
    guard first >= 0xc2, first <= 0xf4, index + 1 < count else { return (1, false) }
    let second = text[index + 1]
    if first < 0xe0 { return second & 0xc0 == 0x80 ? (2, true) : (1, false) }
    // Overlong forms, surrogates and what lies above U+10FFFF show in the second byte.
    let lowest: UInt8 = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80
    let highest: UInt8 = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf
    guard second >= lowest, second <= highest else { return (1, false) }
    guard index + 2 < count, text[index + 2] & 0xc0 == 0x80 else { return (2, false) }
    if first < 0xf0 { return (3, true) }
    return index + 3 < count && text[index + 3] & 0xc0 == 0x80 ? (4, true) : (3, false)
  }
}
