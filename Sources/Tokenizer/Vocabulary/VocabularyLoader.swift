/// Fills a vocabulary from its embedded form.
struct VocabularyLoader {
  private static let longest = 255

  let source: PackedReader
  let count: Int

  private func shared(_ index: Int) -> Int { Int(source.u8(at: 8 + index)) }
  private func length(_ index: Int) -> Int { Int(source.u8(at: 8 + count + index)) }
  private func leftLength(_ index: Int) -> Int { Int(source.u8(at: 8 + 2 * count + index)) }

  private func rank(_ index: Int) -> Int {
    let rank = source.u24(at: 8 + 3 * count + 3 * index)
    precondition(rank < count, "the embedded token data has a rank that is too high")
    return rank
  }

  /// Calls back with every token in the order of its bytes.
  private func forEachToken(_ body: (_ index: Int, _ bytes: UnsafePointer<UInt8>, _ length: Int) -> Void) {
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Self.longest + 1) { buffer in
      guard let bytes = buffer.baseAddress else { return }
      var next = 8 + 6 * count
      for index in 0..<count {
        let length = length(index)
        for place in shared(index)..<length {
          bytes[place] = source.u8(at: next)
          next += 1
        }
        body(index, bytes, length)
      }
    }
  }

  /// How many tokens have 3 to 8 bytes, and 9 to 16.
  func lengths() -> (short: Int, long: Int) {
    var (short, long) = (0, 0)
    for index in 0..<count {
      let length = length(index)
      if length > 2 && length <= 8 { short += 1 }
      if length > 8 && length <= 16 { long += 1 }
    }
    return (short, long)
  }

  /// Numbers the nodes level by level: the tokens come in order, so the nodes below one node are neighbours.
  func growTree(of vocabulary: Vocabulary) {
    var nextAtDepth = [Int](repeating: 0, count: Self.longest + 2)
    for index in 0..<count {
      let (shared, length) = (shared(index), length(index))
      precondition(shared < length, "the embedded tokens are not in order")
      for depth in shared + 1...length { nextAtDepth[depth] += 1 }
    }
    // The root is node 0.
    var first = 1
    for depth in 1..<nextAtDepth.count {
      (nextAtDepth[depth], first) = (first, first + nextAtDepth[depth])
    }
    var path = [Int](repeating: 0, count: Self.longest + 2)
    // The longest token among the first bytes of the path.
    var tokenAt = [UInt32](repeating: Vocabulary.none, count: Self.longest + 2)
    forEachToken { index, bytes, length in
      let rank = rank(index)
      for depth in shared(index) + 1...length {
        let node = nextAtDepth[depth]
        nextAtDepth[depth] += 1
        path[depth] = node
        tokenAt[depth] = tokenAt[depth - 1]
        vocabulary.edges[node] = bytes[depth - 1]
        let parent = path[depth - 1]
        if vocabulary.nodes[parent].childCount == 0 { vocabulary.nodes[parent].firstChild = UInt32(node) }
        vocabulary.nodes[parent].content += 1 << Vocabulary.rankBits
        if depth > 1 { vocabulary.enterNeighbours(bytes[depth - 2], bytes[depth - 1]) }
        if depth == 2 { vocabulary.pairNodes[Int(bytes[0]) << 8 | Int(bytes[1])] = UInt32(node) }
      }
      vocabulary.nodes[path[length]].content += UInt32(rank) + 1
      let left = leftLength(index)
      vocabulary.tokens[rank] = Vocabulary.Token(
        left: left == 0 ? UInt32(rank) : tokenAt[left], right: UInt32(rank), prefix: tokenAt[length - 1],
        length: UInt32(length))
      tokenAt[length] = UInt32(rank)
      vocabulary.enter(UInt32(rank), bytes, length)
    }
  }

  /// The right part of a token may come after it, so this takes a second pass.
  func findMerges(of vocabulary: Vocabulary) {
    forEachToken { index, bytes, length in
      let left = leftLength(index)
      if left == 0 { return }
      var right = vocabulary.token(bytes + left, length - left, readable: length - left)
      if right == Vocabulary.none { right = vocabulary.longestToken(bytes + left, length - left) }
      let rank = rank(index)
      precondition(
        Int(vocabulary.tokens[Int(right)].length) == length - left && vocabulary.tokens[rank].left != Vocabulary.none
          && Int(vocabulary.tokens[Int(vocabulary.tokens[rank].left)].length) == left,
        "the embedded tokens do not merge")
      vocabulary.tokens[rank].right = right
      vocabulary.merges.insert(UInt32(rank), vocabulary.tokens[rank].left, right)
    }
  }
}
