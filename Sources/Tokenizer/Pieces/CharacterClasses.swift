internal import CTokenData

/// The classes of all code points, in pages of 128 of which equal ones are stored once: 40 KB, made once for the process.
struct CharacterClasses: @unchecked Sendable {
  static let shared = CharacterClasses()

  private static let pageCount = 0x110000 >> 7
  private let pages: UnsafeMutablePointer<UInt8>
  private let pageOf: UnsafeMutablePointer<UInt16>
  /// The class of each first byte that is a whole character, `undecided` for others.
  private let firsts: UnsafeMutablePointer<UInt8>

  private init() {
    let source = PackedReader(millrace_character_classes, millrace_character_classes_size)
    let ranges = source.u32(at: 0)
    pageOf = .allocate(capacity: Self.pageCount)
    var stored: [[UInt8]: Int] = [:]
    var all: [UInt8] = []
    var page: [UInt8] = []
    page.reserveCapacity(128)
    var range = 0
    for index in 0..<Self.pageCount {
      page.removeAll(keepingCapacity: true)
      for point in index << 7..<(index + 1) << 7 {
        while range + 1 < ranges, source.u24(at: 4 + 4 * (range + 1)) <= point { range += 1 }
        page.append(source.u8(at: 4 + 4 * range + 3))
      }
      if let known = stored[page] {
        pageOf[index] = UInt16(known)
      } else {
        pageOf[index] = UInt16(stored.count)
        stored[page] = stored.count
        all += page
      }
    }
    pages = .allocate(capacity: all.count)
    pages.initialize(from: all, count: all.count)
    firsts = .allocate(capacity: 256)
    firsts.initialize(repeating: Self.undecided, count: 256)
    firsts.update(from: pages, count: 128)
  }

  /// The class of a byte below 128.
  @inline(__always)
  func ascii(_ byte: UInt8) -> UInt8 { pages[Int(byte)] }

  /// The class and the length of the character that starts at `index`.
  ///
  /// - Parameter text: valid UTF-8 from `index` on, so that a character is never cut.
  @inline(__always)
  func character(_ text: UnsafePointer<UInt8>, _ index: Int) -> (bits: UInt8, length: Int) {
    let first = text[index]
    if first < 0x80 { return (pages[Int(first)], 1) }
    return wide(text + index, first)
  }

  private static let undecided: UInt8 = 0xff

  /// The end of the characters from `start` on that have none of the bits.
  ///
  /// Where the bytes are random, half of the characters are U+FFFD and the rest are ASCII, in no order: to tell them apart there
  /// is no branch.
  @inline(__always)
  func run(_ text: UnsafePointer<UInt8>, _ start: Int, _ count: Int, without bits: UInt8) -> Int {
    var index = start
    while true {
      while index &+ 4 <= count {
        let word = UnsafeRawPointer(text + index).loadUnaligned(as: UInt32.self).littleEndian
        // All ones for U+FFFD, else 0; a comparison would be made a branch.
        let replacement = UInt32(bitPattern: Int32(bitPattern: (word & 0xff_ffff ^ 0xbd_bfef) &- 1) &>> 31)
        if UInt32(firsts[Int(word & 0xff)] & bits) & ~replacement != 0 { break }
        index &+= 1 &+ Int(replacement & 2)
      }
      if index >= count { return index }
      let (found, length) = character(text, index)
      if found & bits != 0 { return index }
      index &+= length
    }
  }

  @inline(__always)
  private func wide(_ text: UnsafePointer<UInt8>, _ first: UInt8) -> (bits: UInt8, length: Int) {
    let second = UInt32(text[1] & 0x3f)
    if first < 0xe0 { return (of(UInt32(first & 0x1f) << 6 | second), 2) }
    let third = UInt32(text[2] & 0x3f)
    if first < 0xf0 { return (of(UInt32(first & 0x0f) << 12 | second << 6 | third), 3) }
    return (of(UInt32(first & 0x07) << 18 | second << 12 | third << 6 | UInt32(text[3] & 0x3f)), 4)
  }

  @inline(__always)
  private func of(_ point: UInt32) -> UInt8 { pages[Int(pageOf[Int(point >> 7)]) << 7 | Int(point & 127)] }
}
