import Glibc

/// What the text of a prompt asks of the simulator, so that a test scripts a single request.
///
/// A marker is `[[sim:NAME]]`, anywhere in the messages or the input. `xN` after the name applies it to the first N
/// attempts at this prompt (1 if absent), `x*` to all.
///
/// | marker | meaning |
/// |---|---|
/// | `[[sim:reject]]` | a definite 400, always |
/// | `[[sim:500x2]]`, `[[sim:429]]` | this status (400 to 599), unbilled; in a batch as a line of the error file |
/// | `[[sim:lineerror]]` | batch: no response but the error code `server_error`; synchronous: status 500 |
/// | `[[sim:hang]]` | synchronous: accepted and billed, never answered |
/// | `[[sim:cut]]` | synchronous: accepted and billed, the connection ends within the body |
/// | `[[sim:missing]]` | batch: run and billed, but no line in any file |
/// | `[[sim:expire]]` | batch: the whole batch expires half way, this row without having run |
/// | `[[sim:slow=500]]` | milliseconds more, for the call or for the whole batch |
/// | `[[sim:tokens=200]]` | length of the answer |
struct Directives: Hashable, Sendable {
  struct Failure: Hashable, Sendable {
    var status: Int
    var times: Int
  }

  var isRejected = false
  var failure: Failure?
  var lineErrors = 0
  var hangs = 0
  var cuts = 0
  var missing = 0
  var expires = 0
  var slowMilliseconds = 0
  var outputTokens: Int?

  static let mostOutputTokens = 100_000
  private static let opening = Array("[[sim:".utf8)

  /// - Parameter text: Any bytes. Markers that are not known are ignored.
  init(in text: [UInt8]) {
    var index = 0
    while let start = Self.find(text, from: index) {
      let end = text[start...].prefix(48).firstIndex(of: UInt8(ascii: "]")) ?? start
      apply(String(decoding: text[start..<end], as: UTF8.self))
      index = max(start, end)
    }
  }

  /// The index behind the next opening of a marker.
  private static func find(_ text: [UInt8], from start: Int) -> Int? {
    text.withUnsafeBytes { bytes in
      guard let base = bytes.baseAddress else { return nil }
      var index = start
      while index + opening.count <= bytes.count {
        guard let hit = memchr(base + index, CInt(opening[0]), bytes.count - opening.count + 1 - index) else {
          return nil
        }
        index = UnsafeRawPointer(hit) - base
        if bytes[index..<index + opening.count].elementsEqual(opening) { return index + opening.count }
        index += 1
      }
      return nil
    }
  }

  private mutating func apply(_ marker: String) {
    if let equals = marker.firstIndex(of: "=") {
      guard let value = Int(marker[marker.index(after: equals)...]), value >= 0 else { return }
      switch marker[..<equals] {
      case "slow": slowMilliseconds = min(value, 3_600_000)
      case "tokens": outputTokens = min(value, Self.mostOutputTokens)
      default: break
      }
      return
    }
    let (name, times) = Self.split(marker)
    switch name {
    case "reject": isRejected = true
    case "lineerror": lineErrors = times
    case "hang": hangs = times
    case "cut": cuts = times
    case "missing": missing = times
    case "expire": expires = times
    default:
      if let status = Int(name), (400...599).contains(status) { failure = Failure(status: status, times: times) }
    }
  }

  /// `500x2` is 500, twice.
  private static func split(_ marker: String) -> (Substring, Int) {
    guard let cross = marker.lastIndex(of: "x"), cross != marker.startIndex else { return (marker[...], 1) }
    let count = marker[marker.index(after: cross)...]
    if count == "*" { return (marker[..<cross], .max) }
    guard let times = Int(count), times >= 0 else { return (marker[...], 1) }
    return (marker[..<cross], times)
  }
}
