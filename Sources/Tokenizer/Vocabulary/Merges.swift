/// Which two tokens merge into which.
struct Merges {
  /// Bits of pairs that merge, 10 for each pair: most questions are about pairs that do not, and are answered here.
  private let filter: UnsafeMutablePointer<UInt64>
  private let filterShift: UInt64
  /// A token plus 1 in the low bits and part of its pair's hash above them.
  private let slots: UnsafeMutablePointer<UInt32>
  private let mask: Int

  init(capacity: Int, in memory: TableMemory) {
    let bits = Self.bits(capacity)
    mask = 1 << bits - 1
    slots = memory.take(UInt32.self, mask + 1)
    filterShift = UInt64(64 - (bits + 2))
    filter = memory.take(UInt64.self, (mask + 1) / 16)
  }

  static func bytes(capacity: Int) -> Int {
    TableMemory.size(UInt32.self, 1 << bits(capacity)) + TableMemory.size(UInt64.self, 1 << bits(capacity) / 16)
  }

  private static func bits(_ capacity: Int) -> Int {
    var bits = 8
    while 1 << bits < capacity * 2 { bits += 1 }
    return bits
  }

  func insert(_ token: UInt32, _ left: UInt32, _ right: UInt32) {
    let hash = Self.hash(left, right)
    var slot = Int(truncatingIfNeeded: hash >> 8) & mask
    while slots[slot] != 0 { slot = (slot + 1) & mask }
    slots[slot] = token + 1 | Vocabulary.tag(hash)
    let bit = hash >> filterShift
    filter[Int(bit >> 6)] |= 1 << (bit & 63)
  }

  /// The token that two neighbours merge into, or `Vocabulary.none`.
  @inline(__always)
  func token(_ left: UInt32, _ right: UInt32, _ tokens: UnsafeMutablePointer<Vocabulary.Token>) -> UInt32 {
    let hash = Self.hash(left, right)
    let bit = hash >> filterShift
    if filter[Int(truncatingIfNeeded: bit >> 6)] &>> (bit & 63) & 1 == 0 { return Vocabulary.none }
    let tag = Vocabulary.tag(hash)
    var slot = Int(truncatingIfNeeded: hash >> 8) & mask
    while true {
      let found = slots[slot]
      if found == 0 { return Vocabulary.none }
      if found & ~Vocabulary.rankMask == tag {
        let token = found & Vocabulary.rankMask &- 1
        if tokens[Int(token)].left == left, tokens[Int(token)].right == right { return token }
      }
      slot = (slot &+ 1) & mask
    }
  }

  @inline(__always)
  private static func hash(_ left: UInt32, _ right: UInt32) -> UInt64 {
    let product = (UInt64(left) << 32 | UInt64(right)) &* 0x9e37_79b9_7f4a_7c15
    return (product ^ product >> 32) &* 0xd6e8_feb8_6659_fd93
  }
}
