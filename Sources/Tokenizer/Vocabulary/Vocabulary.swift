/// The tokens of one encoding, by their bytes, by their prefixes and by what they are merged from.
///
/// About 20 MB for `o200k_base` and 11 MB for `cl100k_base`, made from the embedded data in 15 to 30 ms. Never written after
/// that, so any thread may read it.
final class Vocabulary: @unchecked Sendable {
  /// What is known of a token.
  struct Token {
    /// The two tokens that merge into this one; itself twice where it is a single byte.
    var left: UInt32
    var right: UInt32
    /// The longest other token that this one starts with, or `none`.
    var prefix: UInt32
    var length: UInt32
  }

  /// A place in the tree of all prefixes of tokens. The nodes below it are neighbours, ordered by their byte.
  struct Node {
    var firstChild: UInt32
    /// The token that ends here plus 1, or 0; above its 18 bits, how many nodes are below.
    var content: UInt32

    @inline(__always) var childCount: Int { Int(content >> 18) }
    @inline(__always) var token: UInt32 { content & 0x3ffff &- 1 }
  }

  static let none = UInt32.max
  static let rankBits: UInt32 = 18
  static let rankMask: UInt32 = 1 << rankBits - 1

  let count: Int
  private let memory: TableMemory
  let tokens: UnsafeMutablePointer<Token>
  let nodes: UnsafeMutablePointer<Node>
  /// The byte that leads to each node, and 8 more.
  let edges: UnsafeMutablePointer<UInt8>
  /// The token of each byte.
  let byteTokens: UnsafeMutablePointer<UInt32>
  /// The token of each two bytes plus 1, or 0.
  let pairTokens: UnsafeMutablePointer<UInt32>
  /// The node of each two bytes, 0 if no token starts with them.
  let pairNodes: UnsafeMutablePointer<UInt32>
  /// A bit for each two bytes that stand next to each other in some token.
  private let neighbours: UnsafeMutablePointer<UInt64>
  private(set) var short: ShortTokens
  private(set) var long: LongTokens
  private(set) var merges: Merges
  let replacements: ReplacementRuns

  /// Reads the embedded form that `Tests/Tokens/pack.py` describes.
  init(_ source: PackedReader) {
    let nodeCount = source.u32(at: 4) + 1
    count = source.u32(at: 0)
    precondition(count <= 1 << 18 - 1, "the embedded token data has too many tokens")
    let loader = VocabularyLoader(source: source, count: count)
    let (shortCount, longCount) = loader.lengths()
    memory = TableMemory(
      bytes: TableMemory.size(Token.self, count) + TableMemory.size(Node.self, nodeCount)
        + TableMemory.size(UInt8.self, nodeCount + 8) + TableMemory.size(UInt32.self, 256)
        + TableMemory.size(UInt32.self, 1 << 16) * 2 + TableMemory.size(UInt64.self, 1 << 10)
        + ShortTokens.bytes(capacity: shortCount) + LongTokens.bytes(capacity: longCount)
        + Merges.bytes(capacity: count) + ReplacementRuns.bytes)
    tokens = memory.take(Token.self, count)
    nodes = memory.take(Node.self, nodeCount)
    edges = memory.take(UInt8.self, nodeCount + 8)
    byteTokens = memory.take(UInt32.self, 256)
    pairTokens = memory.take(UInt32.self, 1 << 16)
    pairNodes = memory.take(UInt32.self, 1 << 16)
    neighbours = memory.take(UInt64.self, 1 << 10)
    short = ShortTokens(capacity: shortCount, in: memory)
    long = LongTokens(capacity: longCount, in: memory)
    merges = Merges(capacity: count, in: memory)
    replacements = ReplacementRuns(in: memory)
    loader.growTree(of: self)
    loader.findMerges(of: self)
    replacements.fill(from: self)
  }

  /// Only while the tables are made.
  func enterNeighbours(_ first: UInt8, _ second: UInt8) {
    neighbours[Int(first) << 2 | Int(second >> 6)] |= 1 << UInt64(second & 63)
  }

  /// Only while the tables are made.
  func enter(_ token: UInt32, _ bytes: UnsafePointer<UInt8>, _ length: Int) {
    switch length {
    case 1: byteTokens[Int(bytes[0])] = token
    case 2: pairTokens[Int(bytes[0]) << 8 | Int(bytes[1])] = token + 1
    case ...8: short.insert(token, bytes, length)
    case ...16: long.insert(token, bytes, length)
    default: break
    }
  }

  /// 1 if no token has the two bytes next to each other, else 0.
  @inline(__always)
  func parts(_ first: UInt8, _ second: UInt8) -> UInt64 {
    ~neighbours[Int(first) << 2 | Int(second >> 6)] &>> UInt64(second & 63) & 1
  }

  /// The token that is exactly these bytes, if it is found without the tree; else `none`.
  ///
  /// - Parameter readable: how many bytes may be read, at least `length`.
  @inline(__always)
  func token(_ bytes: UnsafePointer<UInt8>, _ length: Int, readable: Int) -> UInt32 {
    if length == 1 { return byteTokens[Int(bytes[0])] }
    if length == 2 { return pairTokens[Int(bytes[0]) << 8 | Int(bytes[1])] &- 1 }
    if length <= 8 { return short.token(bytes, length, readable: readable) }
    return length <= 16 ? long.token(bytes, length) : Self.none
  }

  /// The token that two neighbours merge into, or `none`.
  @inline(__always)
  func merged(_ left: UInt32, _ right: UInt32) -> UInt32 { merges.token(left, right, tokens) }

  /// The longest token that the bytes start with.
  @inline(__always)
  func longestToken(_ bytes: UnsafePointer<UInt8>, _ length: Int) -> UInt32 {
    var best = byteTokens[Int(bytes[0])]
    if length == 1 { return best }
    var node = Int(pairNodes[Int(bytes[0]) << 8 | Int(bytes[1])])
    var index = 2
    while node != 0 {
      let here = nodes[node]
      let token = here.token
      if token != Vocabulary.none { best = token }
      if index == length { break }
      node = child(here, bytes[index])
      index &+= 1
    }
    return best
  }

  /// The node below by a byte, 0 if there is none.
  @inline(__always)
  private func child(_ node: Node, _ byte: UInt8) -> Int {
    let count = node.childCount
    if count == 0 { return 0 }
    let first = Int(node.firstChild)
    if count == 1 { return edges[first] == byte ? first : 0 }
    let wanted = UInt64(byte) &* 0x0101_0101_0101_0101
    var offset = 0
    while offset < count {
      let block = UnsafeRawPointer(edges + first + offset).loadUnaligned(as: UInt64.self).littleEndian ^ wanted
      // The lowest high bit marks the first byte that is zero; bits above it may be wrong.
      let zero = (block &- 0x0101_0101_0101_0101) & ~block & 0x8080_8080_8080_8080
      if zero != 0 {
        let found = offset &+ zero.trailingZeroBitCount >> 3
        return found < count ? first &+ found : 0
      }
      offset &+= 8
    }
    return 0
  }

  @inline(__always)
  static func tag(_ hash: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: hash >> 32) & ~rankMask }
}
