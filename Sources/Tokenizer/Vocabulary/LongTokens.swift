/// The tokens of 9 to 16 bytes, found by their bytes as two numbers, the second of which may overlap the first.
struct LongTokens {
  private struct Entry {
    var first: UInt64
    var last: UInt64
    var token: UInt32
    var length: UInt32
  }

  private let entries: UnsafeMutablePointer<Entry>
  /// The index of an entry plus 1 in the low bits, part of its hash above them.
  private let slots: UnsafeMutablePointer<UInt32>
  private let mask: Int
  private var count = 0

  init(capacity: Int, in memory: TableMemory) {
    mask = Self.slotCount(capacity) - 1
    slots = memory.take(UInt32.self, mask + 1)
    entries = memory.take(Entry.self, capacity)
  }

  static func bytes(capacity: Int) -> Int {
    TableMemory.size(UInt32.self, slotCount(capacity)) + TableMemory.size(Entry.self, capacity)
  }

  private static func slotCount(_ capacity: Int) -> Int {
    var count = 1 << 8
    while count < capacity * 2 { count *= 2 }
    return count
  }

  mutating func insert(_ token: UInt32, _ bytes: UnsafePointer<UInt8>, _ length: Int) {
    let (first, last) = Self.key(bytes, length)
    let hash = Self.hash(first, last, length)
    var slot = Int(truncatingIfNeeded: hash) & mask
    while slots[slot] != 0 { slot = (slot + 1) & mask }
    entries[count] = Entry(first: first, last: last, token: token, length: UInt32(length))
    count += 1
    slots[slot] = UInt32(count) | Vocabulary.tag(hash)
  }

  /// The token that is exactly these bytes, or `Vocabulary.none`.
  @inline(__always)
  func token(_ bytes: UnsafePointer<UInt8>, _ length: Int) -> UInt32 {
    let (first, last) = Self.key(bytes, length)
    let hash = Self.hash(first, last, length)
    let tag = Vocabulary.tag(hash)
    var slot = Int(truncatingIfNeeded: hash) & mask
    while true {
      let found = slots[slot]
      if found == 0 { return Vocabulary.none }
      if found & ~Vocabulary.rankMask == tag {
        let entry = entries[Int(found & Vocabulary.rankMask) &- 1]
        if entry.first == first, entry.last == last, entry.length == UInt32(truncatingIfNeeded: length) {
          return entry.token
        }
      }
      slot = (slot &+ 1) & mask
    }
  }

  @inline(__always)
  private static func key(_ bytes: UnsafePointer<UInt8>, _ length: Int) -> (UInt64, UInt64) {
    let raw = UnsafeRawPointer(bytes)
    return (
      raw.loadUnaligned(as: UInt64.self), raw.loadUnaligned(fromByteOffset: length &- 8, as: UInt64.self)
    )
  }

  @inline(__always)
  private static func hash(_ first: UInt64, _ last: UInt64, _ length: Int) -> UInt64 {
    let product = (first ^ 0xa076_1d64_78bd_642f).multipliedFullWidth(
      by: last ^ 0xe703_7ed1_a0b4_28db ^ UInt64(truncatingIfNeeded: length) << 56)
    return product.high ^ product.low
  }
}
