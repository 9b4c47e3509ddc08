import Glibc

/// Reads a file of lines in groups, with the place of each line, so that lines can be read again one by one.
///
/// Blocks: for owned threads and for the start only.
struct LineReader: ~Copyable {
  struct Line {
    var offset: Int
    /// Without the line feed, and without a carriage return before it.
    var bytes: [UInt8]
    var isTooLong = false
  }

  static let maximumLineBytes = 16 << 20
  private let path: String
  private let descriptor: CInt
  private var chunk = [UInt8](repeating: 0, count: 256 << 10)
  private var pending: [UInt8] = []
  private var pendingOffset = 0
  /// Where the next chunk begins.
  private var offset = 0
  private var isSkipping = false
  private var isAtEnd = false

  init(path: String) throws(SimulatorError) {
    self.path = path
    descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .system("cannot read \(path)") }
  }

  deinit { close(descriptor) }

  /// The lines that end in the next chunk, possibly none; `nil` at the end of the file. Empty lines are among them.
  mutating func next() throws(SimulatorError) -> [Line]? {
    guard !isAtEnd else { return nil }
    let count = read(descriptor, &chunk, chunk.count)
    if count < 0 { throw .system("cannot read \(path)") }
    var lines: [Line] = []
    if count == 0 {
      isAtEnd = true
      if !pending.isEmpty || isSkipping { lines.append(takePending()) }
      return lines
    }
    var start = 0
    while let newline = Self.newline(chunk, from: start, to: count) {
      add(start..<newline)
      lines.append(takePending())
      start = newline + 1
      pendingOffset = offset + start
    }
    add(start..<count)
    offset += count
    return lines
  }

  private mutating func add(_ range: Range<Int>) {
    guard !isSkipping else { return }
    if pending.count + range.count > Self.maximumLineBytes {
      isSkipping = true
      pending = []
    } else {
      chunk.withUnsafeBufferPointer { pending.append(contentsOf: UnsafeBufferPointer(rebasing: $0[range])) }
    }
  }

  private mutating func takePending() -> Line {
    if pending.last == 0x0D { pending.removeLast() }
    defer {
      pending = []
      isSkipping = false
    }
    return Line(offset: pendingOffset, bytes: pending, isTooLong: isSkipping)
  }

  private static func newline(_ chunk: [UInt8], from start: Int, to end: Int) -> Int? {
    guard start < end else { return nil }
    return chunk.withUnsafeBytes { bytes in
      guard let found = memchr(bytes.baseAddress! + start, 0x0A, end - start) else { return nil }
      return UnsafeRawPointer(found) - bytes.baseAddress!
    }
  }
}
