/// What runs of U+FFFD are encoded to: whatever is no UTF-8 becomes them, and to merge the same again is what it would take most.
struct ReplacementRuns {
  static let longest = 16

  private let tokens: UnsafeMutablePointer<UInt32>
  /// How many tokens each run is, 0 where it is not known yet.
  private let counts: UnsafeMutablePointer<UInt32>

  init(in memory: TableMemory) {
    tokens = memory.take(UInt32.self, (Self.longest + 1) * Self.longest * 3)
    counts = memory.take(UInt32.self, Self.longest + 1)
  }

  static var bytes: Int {
    TableMemory.size(UInt32.self, (longest + 1) * longest * 3) + TableMemory.size(UInt32.self, longest + 1)
  }

  /// Asks the vocabulary, of which everything else is made.
  func fill(from vocabulary: Vocabulary) {
    let text = [UInt8]((0..<Self.longest).flatMap { _ in [0xef, 0xbf, 0xbd] })
    var encoder = PieceEncoder(vocabulary)
    text.withUnsafeBufferPointer { text in
      guard let bytes = text.baseAddress else { return }
      for run in 1...Self.longest {
        var list = TokenList(tokens + run * Self.longest * 3)
        encoder.encode(bytes, run * 3, readable: run * 3, into: &list)
        counts[run] = UInt32(list.count)
      }
    }
  }

  /// The tokens, none if the bytes are something else.
  ///
  /// - Parameter length: at least 8.
  @inline(__always)
  func tokens(_ bytes: UnsafePointer<UInt8>, _ length: Int) -> (UnsafePointer<UInt32>, count: Int) {
    let raw = UnsafeRawPointer(bytes)
    guard raw.loadUnaligned(as: UInt64.self).littleEndian == 0xbfef_bdbf_efbd_bfef, length <= Self.longest &* 3,
      length % 3 == 0
    else { return (UnsafePointer(tokens), 0) }
    var index = 6
    while index < length {
      let next = min(index, length &- 9)
      if raw.loadUnaligned(fromByteOffset: next &+ 1, as: UInt64.self).littleEndian != 0xbdbf_efbd_bfef_bdbf {
        return (UnsafePointer(tokens), 0)
      }
      index &+= 6
    }
    let run = length / 3
    return (UnsafePointer(tokens + run &* Self.longest &* 3), Int(counts[run]))
  }
}
