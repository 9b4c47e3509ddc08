/// A line was longer than allowed and was left out.
public struct JSONLineError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The first such line of this chunk, from 1, blank lines counted.
  public var line: Int
  public var maximumLineBytes: Int
  /// The complete lines of this chunk that were not too long. The splitter goes on behind the lines that were.
  public var lines: [[UInt8]]

  public var description: String { "line \(line) is longer than \(maximumLineBytes) bytes" }
}

/// Cuts a file of JSON lines that arrives in chunks. A line ends at LF only, never at what Unicode calls a line break.
///
/// One CR before the LF, a byte order mark at the beginning of the file and blank lines are dropped.
/// Holds at most `maximumLineBytes` of an unfinished line.
public struct JSONLineSplitter: Sendable {
  private let maximumLineBytes: Int
  private var pending: [UInt8] = []
  private var line = 1
  private var isSkipping = false

  public init(maximumLineBytes: Int) {
    self.maximumLineBytes = maximumLineBytes
  }

  /// The lines that this chunk completes.
  public mutating func append(_ chunk: [UInt8]) throws(JSONLineError) -> [[UInt8]] {
    var lines: [[UInt8]] = []
    var firstTooLong: Int?
    var start = 0
    while start < chunk.count {
      let newline = Self.newline(in: chunk, from: start)
      let piece = chunk[start..<(newline ?? chunk.count)]
      if !isSkipping {
        if pending.count + piece.count > maximumLineBytes {
          isSkipping = true
          pending = []
          firstTooLong = firstTooLong ?? line
        } else if newline != nil && pending.isEmpty {
          if let text = text(of: piece) { lines.append(Array(text)) }
        } else {
          pending.append(contentsOf: piece)
        }
      }
      guard let newline else { break }
      if !pending.isEmpty {
        if let text = text(of: pending[...]) { lines.append(Array(text)) }
        pending.removeAll(keepingCapacity: true)
      }
      isSkipping = false
      line += 1
      start = newline + 1
    }
    if let firstTooLong {
      throw JSONLineError(line: firstTooLong, maximumLineBytes: maximumLineBytes, lines: lines)
    }
    return lines
  }

  /// A last line that has no newline, if there is one.
  public mutating func finish() -> [UInt8]? {
    defer { pending = [] }
    return text(of: pending[...]).map { Array($0) }
  }

  private static func newline(in chunk: [UInt8], from start: Int) -> Int? {
    chunk.withUnsafeBufferPointer { bytes in
      var index = start
      while index + 8 <= bytes.count {
        let mask = SWAR.equal(SWAR.load(bytes, index), 0x0A)
        if mask != 0 { return index + SWAR.first(mask) }
        index += 8
      }
      return bytes[index...].firstIndex(of: 0x0A)
    }
  }

  /// The line without what does not belong to it, `nil` if nothing is left.
  private func text(of bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
    var text = bytes
    if line == 1, text.starts(with: [0xEF, 0xBB, 0xBF]) { text = text.dropFirst(3) }
    if text.last == 0x0D { text = text.dropLast() }
    return text.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }) ? nil : text
  }
}
