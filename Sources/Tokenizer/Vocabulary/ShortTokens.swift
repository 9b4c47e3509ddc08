/// The tokens of up to 8 bytes, found by their bytes as one number. One look at one cache line is nearly always enough.
struct ShortTokens {
  private struct Entry {
    var key: UInt64
    var token: UInt32
    /// 0 where nothing is.
    var length: UInt32
  }

  private let entries: UnsafeMutablePointer<Entry>
  /// 4 bits for each slot, of which those are set where the hash of a token leads: bytes that are none are told by it, without
  /// a look at an entry, which is farther away.
  private let filter: UnsafeMutablePointer<UInt64>
  private let mask: Int
  private let shift: UInt64

  init(capacity: Int, in memory: TableMemory) {
    let bits = Self.bits(capacity)
    shift = UInt64(64 - (bits + 2))
    mask = 1 << bits - 1
    entries = memory.take(Entry.self, mask + 1)
    filter = memory.take(UInt64.self, (mask + 1) / 16)
  }

  static func bytes(capacity: Int) -> Int {
    TableMemory.size(Entry.self, 1 << bits(capacity)) + TableMemory.size(UInt64.self, 1 << bits(capacity) / 16)
  }

  private static func bits(_ capacity: Int) -> Int {
    var bits = 9
    while 1 << bits < capacity * 3 / 2 { bits += 1 }
    return bits
  }

  func insert(_ token: UInt32, _ bytes: UnsafePointer<UInt8>, _ length: Int) {
    let key = Self.key(bytes, length, readable: length)
    let bit = place(key)
    filter[bit >> 6] |= 1 << UInt64(bit & 63)
    var slot = bit >> 2
    while entries[slot].length != 0 { slot = (slot + 1) & mask }
    entries[slot] = Entry(key: key, token: token, length: UInt32(length))
  }

  /// The token that is exactly these bytes, or `Vocabulary.none`.
  ///
  /// - Parameter readable: how many bytes may be read, at least `length`.
  @inline(__always)
  func token(_ bytes: UnsafePointer<UInt8>, _ length: Int, readable: Int) -> UInt32 {
    let key = Self.key(bytes, length, readable: readable)
    let bit = place(key)
    if filter[bit &>> 6] &>> UInt64(truncatingIfNeeded: bit & 63) & 1 == 0 { return Vocabulary.none }
    var slot = bit &>> 2
    while true {
      let entry = entries[slot]
      if entry.key == key, entry.length == UInt32(truncatingIfNeeded: length) { return entry.token }
      if entry.length == 0 { return Vocabulary.none }
      slot = (slot &+ 1) & mask
    }
  }

  /// The bit of the filter, 4 for each slot.
  @inline(__always)
  private func place(_ key: UInt64) -> Int {
    let mixed = (key ^ key >> 32) &* 0x9e37_79b9_7f4a_7c15
    return Int(truncatingIfNeeded: mixed >> shift)
  }

  @inline(__always)
  private static func key(_ bytes: UnsafePointer<UInt8>, _ length: Int, readable: Int) -> UInt64 {
    if readable >= 8 {
      let all = UnsafeRawPointer(bytes).loadUnaligned(as: UInt64.self).littleEndian
      return all & UInt64.max &>> UInt64(truncatingIfNeeded: 64 &- 8 &* length)
    }
    var key: UInt64 = 0
    for index in 0..<length { key |= UInt64(bytes[index]) << UInt64(8 * index) }
    return key
  }
}
