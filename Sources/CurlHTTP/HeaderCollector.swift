/// Reads the header lines of a response, whose last block counts: informational ones before it are dropped.
struct HeaderCollector {
  enum Event: Equatable {
    case more
    /// The blank line of the final block.
    case complete
    case malformed
    case tooLarge
  }

  /// Of all header bytes of one response: informational blocks, the final one, and trailers.
  static let maximumBytes = 256 << 10

  private(set) var head = HTTPResponseHead(status: 0, headers: [], httpVersion: "")
  /// What the final block announces, unless the body ends otherwise.
  private(set) var contentLength: Int64?
  private(set) var isComplete = false
  private var byteCount = 0
  private var isChunked = false

  /// Takes one line, its line break included.
  mutating func take(_ raw: UnsafeRawBufferPointer) -> Event {
    byteCount += raw.count
    if byteCount > Self.maximumBytes { return .tooLarge }
    // What follows a final block is a trailer, which nobody asked for.
    if isComplete { return .more }
    var end = raw.count
    while end > 0, unsafe Self.isLineBreak(raw[end - 1]) { end -= 1 }
    let line = unsafe UnsafeRawBufferPointer(rebasing: raw[..<end])
    if unsafe line.starts(with: "HTTP/".utf8) { return unsafe takeStatus(line) }
    if unsafe line.isEmpty { return endBlock() }
    return unsafe takeField(line)
  }

  private mutating func takeStatus(_ line: UnsafeRawBufferPointer) -> Event {
    let parts = unsafe line.dropFirst(5).split(
      separator: UInt8(ascii: " "), maxSplits: 2, omittingEmptySubsequences: true)
    guard unsafe parts.count >= 2 && parts[1].count == 3 else { return .malformed }
    let digits = unsafe Array(parts[1])
    guard digits.allSatisfy({ $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }) else { return .malformed }
    let status = digits.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
    guard status >= 100 else { return .malformed }
    head = HTTPResponseHead(status: status, headers: [], httpVersion: unsafe String(decoding: parts[0], as: UTF8.self))
    contentLength = nil
    isChunked = false
    return .more
  }

  private mutating func endBlock() -> Event {
    guard head.status != 0 else { return .malformed }
    if head.status < 200 { return .more }
    isComplete = true
    if isChunked { contentLength = nil }
    return .complete
  }

  private mutating func takeField(_ line: UnsafeRawBufferPointer) -> Event {
    guard head.status != 0 else { return .malformed }
    if unsafe Self.isSpace(line[0]) {
      // A folded line goes on with the value before it.
      guard let last = head.headers.indices.last else { return .malformed }
      head.headers[last].value += " " + (unsafe Self.trimmed(line[...]))
      return .more
    }
    guard let colon = unsafe line.firstIndex(of: UInt8(ascii: ":")), colon > 0 else { return .malformed }
    let name = unsafe String(decoding: line[..<colon].lazy.map(Self.lowercased), as: UTF8.self)
    let value = unsafe Self.trimmed(line[(colon + 1)...])
    if name == "content-length" { contentLength = Self.length(value) }
    if name == "transfer-encoding" { isChunked = true }
    head.headers.append((name, value))
    return .more
  }

  /// Nil for what is no number, which libcurl refuses itself. A number beyond 63 bits, which it would overlook, saturates.
  private static func length(_ text: String) -> Int64? {
    let isNumber = !text.isEmpty && text.utf8.allSatisfy { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }
    return isNumber ? Int64(text) ?? .max : nil
  }

  private static func trimmed(_ slice: Slice<UnsafeRawBufferPointer>) -> String {
    var start = unsafe slice.startIndex
    var end = unsafe slice.endIndex
    while start < end, unsafe isSpace(slice[start]) { start += 1 }
    while end > start, unsafe isSpace(slice[end - 1]) { end -= 1 }
    return unsafe String(decoding: slice[start..<end], as: UTF8.self)
  }

  private static func isLineBreak(_ byte: UInt8) -> Bool { byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") }

  private static func isSpace(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }

  private static func lowercased(_ byte: UInt8) -> UInt8 {
    byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") ? byte | 0x20 : byte
  }
}
