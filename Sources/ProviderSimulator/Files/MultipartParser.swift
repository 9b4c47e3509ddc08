import Glibc

/// Takes a `multipart/form-data` body apart as it arrives. Holds at most one header block or one boundary of it.
struct MultipartParser: Sendable {
  enum Event: Hashable, Sendable {
    case part(name: String, filename: String?)
    case data([UInt8])
    case endOfPart
  }

  enum Failure: String, Error, Hashable, Sendable {
    case headersTooLong = "the headers of a part are longer than 16384 bytes"
    case badBoundary = "a boundary is followed by neither a line break nor two hyphens"
    case noName = "a part has no name in its content-disposition"
    case unfinished = "the body ends before its last boundary"
  }

  private enum State {
    case preamble
    case afterBoundary
    case headers
    case body
    case finished
  }

  static let maximumHeaderBytes = 16_384
  private let delimiter: [UInt8]
  private var state = State.preamble
  /// Begins as if a line had ended, since the first boundary has none before it.
  private var pending: [UInt8] = [0x0D, 0x0A]

  init(boundary: String) {
    delimiter = Array("\r\n--\(boundary)".utf8)
  }

  /// The boundary that a content type names, if it is a form's.
  static func boundary(contentType: String) -> String? {
    guard contentType.lowercased().hasPrefix("multipart/form-data") else { return nil }
    for parameter in contentType.split(separator: ";").dropFirst() {
      let pair = parameter.split(separator: "=", maxSplits: 1)
      guard pair.count == 2, pair[0].drop(while: { $0 == " " }).lowercased() == "boundary" else { continue }
      let value = pair[1].prefix(while: { $0 != " " || pair[1].first == "\"" }).filter { $0 != "\"" }
      return value.isEmpty || value.utf8.count > 200 ? nil : value
    }
    return nil
  }

  mutating func append(_ chunk: [UInt8]) throws(Failure) -> [Event] {
    if state == .finished { return [] }
    pending += chunk
    var events: [Event] = []
    var start = 0
    scan: while true {
      switch state {
      case .preamble, .body:
        let isBody = state == .body
        if let found = find(delimiter, from: start) {
          if isBody {
            if found > start { events.append(.data(Array(pending[start..<found]))) }
            events.append(.endOfPart)
          }
          start = found + delimiter.count
          state = .afterBoundary
        } else {
          // The end may be the beginning of a boundary.
          let safe = max(start, pending.count - delimiter.count + 1)
          if isBody, safe > start { events.append(.data(Array(pending[start..<safe]))) }
          start = safe
          break scan
        }
      case .afterBoundary:
        guard pending.count - start >= 2 else { break scan }
        switch (pending[start], pending[start + 1]) {
        case (0x2D, 0x2D): state = .finished
        case (0x0D, 0x0A): state = .headers
        case (0x20, _), (0x09, _):
          start += 1
          continue scan
        default: throw .badBoundary
        }
        // The line break stays when headers follow: a part without any begins with an empty line.
        if state == .finished { start += 2 }
      case .headers:
        guard let end = find([0x0D, 0x0A, 0x0D, 0x0A], from: start) else {
          if pending.count - start > Self.maximumHeaderBytes { throw .headersTooLong }
          break scan
        }
        guard end - start <= Self.maximumHeaderBytes else { throw .headersTooLong }
        events.append(try Self.part(String(decoding: pending[start..<end], as: UTF8.self)))
        start = end + 4
        state = .body
      case .finished:
        start = pending.count
        break scan
      }
    }
    pending.removeFirst(start)
    return events
  }

  /// - Throws: when the last boundary has not come.
  func finish() throws(Failure) {
    guard state == .finished else { throw .unfinished }
  }

  private static func part(_ headers: String) throws(Failure) -> Event {
    for line in headers.split(separator: "\r\n") {
      guard line.lowercased().hasPrefix("content-disposition:") else { continue }
      guard let name = parameter("name", of: line) else { break }
      return .part(name: name, filename: parameter("filename", of: line))
    }
    throw .noName
  }

  /// The quoted or bare value of a parameter of a header line.
  private static func parameter(_ name: String, of line: Substring) -> String? {
    var rest = line[...]
    while let semicolon = rest.firstIndex(of: ";") {
      rest = rest[rest.index(after: semicolon)...].drop { $0 == " " || $0 == "\t" }
      guard rest.hasPrefix(name + "=") else { continue }
      rest = rest.dropFirst(name.count + 1)
      guard rest.first == "\"" else { return String(rest.prefix { $0 != ";" && $0 != " " }) }
      var value = ""
      var isEscaped = false
      for character in rest.dropFirst() {
        if !isEscaped && character == "\"" { return value }
        if !isEscaped && character == "\\" {
          isEscaped = true
          continue
        }
        isEscaped = false
        value.append(character)
      }
      return nil
    }
    return nil
  }

  private func find(_ wanted: [UInt8], from start: Int) -> Int? {
    pending.withUnsafeBytes { bytes in
      guard let base = bytes.baseAddress else { return nil }
      var index = start
      while index + wanted.count <= bytes.count {
        guard let hit = memchr(base + index, CInt(wanted[0]), bytes.count - wanted.count + 1 - index) else {
          return nil
        }
        index = UnsafeRawPointer(hit) - base
        if wanted.withUnsafeBytes({ memcmp(base + index, $0.baseAddress!, wanted.count) }) == 0 { return index }
        index += 1
      }
      return nil
    }
  }
}
