/// Byte-pair encodes pieces, one after the other.
///
/// Merging pair by pair in the order of rank has one outcome, and two facts find it without merging: a sequence of tokens is
/// that outcome if each two neighbours alone would be encoded to themselves, and whether they would is decided by taking
/// both apart at their seam. So the longest token that fits is taken, checked against the one before, and shortened or
/// undone where it does not stand. A place that led nowhere is never tried again, which bounds the work by the length of the
/// piece (times that of the longest token) whatever the text is.
struct PieceEncoder: ~Copyable {
  private let vocabulary: Vocabulary
  private var stack: UnsafeMutablePointer<UInt32>
  private var stackCapacity: Int
  /// A bit for each place of the piece that may still be the end of a token.
  private var open: UnsafeMutablePointer<UInt64>
  private var openCapacity: Int

  init(_ vocabulary: Vocabulary) {
    self.vocabulary = vocabulary
    stackCapacity = 64
    stack = .allocate(capacity: stackCapacity)
    openCapacity = 4
    open = .allocate(capacity: openCapacity)
  }

  deinit {
    stack.deallocate()
    open.deallocate()
  }

  /// - Parameter readable: how many bytes may be read, at least `length`.
  @inline(__always)
  mutating func encode<Sink: TokenSink>(
    _ bytes: UnsafePointer<UInt8>, _ length: Int, readable: Int, into sink: inout Sink
  ) {
    if length <= 2 { return encodePair(bytes, length, into: &sink) }
    // Seams in a piece say that it is no token, without a look into tables that are far away.
    if vocabulary.parts(bytes[0], bytes[1]) | vocabulary.parts(bytes[length &- 2], bytes[length &- 1]) == 0 {
      let token = vocabulary.token(bytes, length, readable: readable)
      if token != Vocabulary.none { return sink.add(token) }
    }
    encodeParts(bytes, length, readable: readable, into: &sink)
  }

  /// One or two bytes.
  @inline(__always)
  private func encodePair<Sink: TokenSink>(_ bytes: UnsafePointer<UInt8>, _ length: Int, into sink: inout Sink) {
    if length == 1 { return sink.add(vocabulary.byteTokens[Int(bytes[0])]) }
    if vocabulary.parts(bytes[0], bytes[1]) != 0 {
      sink.add(vocabulary.byteTokens[Int(bytes[0])])
      return sink.add(vocabulary.byteTokens[Int(bytes[1])])
    }
    let token = vocabulary.pairTokens[Int(bytes[0]) << 8 | Int(bytes[1])] &- 1
    if token != Vocabulary.none { return sink.add(token) }
    sink.add(vocabulary.byteTokens[Int(bytes[0])])
    sink.add(vocabulary.byteTokens[Int(bytes[1])])
  }

  /// Cuts the piece where no token reaches across: merging gives the same on both sides of such a seam, whatever is beyond.
  @inline(never)
  private mutating func encodeParts<Sink: TokenSink>(
    _ bytes: UnsafePointer<UInt8>, _ length: Int, readable: Int, into sink: inout Sink
  ) {
    var (start, next) = (0, 0)
    while next < length {
      var ends = partEnds(bytes + next, length &- next, readable: readable &- next)
      while ends != 0 {
        let end = next &+ ends.trailingZeroBitCount &+ 1
        ends &= ends &- 1
        encodePart(bytes + start, end &- start, readable: readable &- start, into: &sink)
        start = end
      }
      next &+= 64
    }
  }

  /// A bit for each of the first 64 bytes that no token reaches beyond, and for the last. To look for one at a time would take
  /// a branch for each that nothing foretells.
  @inline(__always)
  private func partEnds(_ bytes: UnsafePointer<UInt8>, _ length: Int, readable: Int) -> UInt64 {
    var ends: UInt64 = 0
    if length <= 8, readable > 8 {
      for index in 0..<7 { ends |= vocabulary.parts(bytes[index], bytes[index &+ 1]) &<< UInt64(index) }
      let last: UInt64 = 1 &<< UInt64(truncatingIfNeeded: length &- 1)
      return ends & (last &- 1) | last
    }
    for index in 0..<min(length &- 1, 64) {
      ends |= vocabulary.parts(bytes[index], bytes[index &+ 1]) &<< UInt64(truncatingIfNeeded: index)
    }
    return length <= 64 ? ends | 1 &<< UInt64(truncatingIfNeeded: length &- 1) : ends
  }

  @inline(__always)
  private mutating func encodePart<Sink: TokenSink>(
    _ bytes: UnsafePointer<UInt8>, _ length: Int, readable: Int, into sink: inout Sink
  ) {
    if length <= 2 { return encodePair(bytes, length, into: &sink) }
    if length > 8 {
      let (tokens, count) = vocabulary.replacements.tokens(bytes, length)
      if count > 0 { return sink.add(tokens, count) }
    }
    let token = vocabulary.token(bytes, length, readable: readable)
    if token != Vocabulary.none { return sink.add(token) }
    let count =
      length <= ShortMerge.longest
      ? ShortMerge.encode(bytes, length, vocabulary, stack, stack + ShortMerge.longest) : split(bytes, length)
    sink.add(stack, count)
  }

  /// Leaves the tokens on the stack and returns how many there are.
  private mutating func split(_ bytes: UnsafePointer<UInt8>, _ length: Int) -> Int {
    var token = vocabulary.longestToken(bytes, length)
    if Int(vocabulary.tokens[Int(token)].length) == length {
      stack[0] = token
      return 1
    }
    openAll(length)
    var count = 0
    var start = 0
    while true {
      let end = start &+ Int(vocabulary.tokens[Int(token)].length)
      if open[end >> 6] >> UInt64(truncatingIfNeeded: end & 63) & 1 != 0,
        count == 0 || stands(stack[count &- 1], token)
      {
        if count == stackCapacity { growStack() }
        stack[count] = token
        count &+= 1
        start = end
        if start == length { return count }
        token = vocabulary.longestToken(bytes + start, length &- start)
        continue
      }
      token = vocabulary.tokens[Int(token)].prefix
      while token == Vocabulary.none {
        // Nothing can follow here. The outcome exists, and so one of the first tokens stands.
        precondition(count > 0, "the embedded tokens do not encode every byte")
        open[start >> 6] &= ~(1 << UInt64(truncatingIfNeeded: start & 63))
        count &-= 1
        let last = vocabulary.tokens[Int(stack[count])]
        start &-= Int(last.length)
        token = last.prefix
      }
    }
  }

  /// Whether two neighbours would be encoded to themselves.
  @inline(__always)
  private func stands(_ first: UInt32, _ second: UInt32) -> Bool {
    let tokens = vocabulary.tokens
    var (left, right) = (first, second)
    // Merges above it come later than the one that made the parts what they are.
    var limit = UInt32.max
    while true {
      let merged = vocabulary.merged(left, right)
      // `none` is the highest number.
      if merged < limit { return false }
      if left > right {
        limit = left
        left = tokens[Int(left)].right
        if left == limit {
          limit = right &+ 1
          right = tokens[Int(right)].left
          if right &+ 1 == limit { return true }
        }
      } else {
        limit = right &+ 1
        right = tokens[Int(right)].left
        if right &+ 1 == limit {
          limit = left
          left = tokens[Int(left)].right
          if left == limit { return true }
        }
      }
    }
  }

  private mutating func openAll(_ length: Int) {
    let words = length >> 6 &+ 1
    if words > openCapacity {
      open.deallocate()
      openCapacity = words
      open = .allocate(capacity: words)
    }
    open.update(repeating: .max, count: words)
  }

  private mutating func growStack() {
    let larger = UnsafeMutablePointer<UInt32>.allocate(capacity: stackCapacity * 2)
    larger.update(from: stack, count: stackCapacity)
    stack.deallocate()
    stack = larger
    stackCapacity *= 2
  }
}
