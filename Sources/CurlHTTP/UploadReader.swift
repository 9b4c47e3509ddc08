/// Copies a request body into libcurl's buffer, piece by piece. Confined to the client's thread.
@safe
struct UploadReader {
  enum Step {
    case filled(Int)
    /// The source has nothing yet.
    case pause
    case failed(HTTPError)
  }

  let length: Int64
  private var pieces: [[UInt8]]
  private let feed: UploadFeed?
  private var next = 0
  private var piece: [UInt8] = []
  private var offset = 0

  /// Nil when the body is none that must be read piece by piece.
  init?(_ exchange: Exchange) {
    guard let body = exchange.request.body, body.copied == nil else { return nil }
    length = body.length
    feed = exchange.feed
    switch body {
    case .bytes(let bytes): pieces = [bytes]
    case .segments(let segments): pieces = segments
    case .stream: pieces = []
    }
  }

  mutating func fill(_ buffer: UnsafeMutableRawBufferPointer) -> Step {
    var filled = 0
    while filled < buffer.count {
      if offset == piece.count {
        switch advance() {
        case nil: continue
        case .pause? where filled > 0: return .filled(filled)
        case .filled?: return .filled(filled)
        case let step?: return step
        }
      }
      let count = min(piece.count - offset, buffer.count - filled)
      unsafe piece.withUnsafeBytes { source in
        let target = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[filled..<(filled + count)])
        unsafe target.copyMemory(from: UnsafeRawBufferPointer(rebasing: source[offset..<(offset + count)]))
      }
      filled += count
      offset += count
    }
    return .filled(filled)
  }

  /// Moves to the next piece. Returns what stands in the way: `.filled` means the end.
  private mutating func advance() -> Step? {
    offset = 0
    if let feed {
      switch feed.take() {
      case .chunk(let chunk): piece = chunk
      case .end:
        piece = []
        return .filled(0)
      case .failed(let error): return .failed(error)
      case .starved:
        piece = []
        return .pause
      }
    } else if next < pieces.count {
      // Emptied here, so that a piece that was sent is freed.
      swap(&piece, &pieces[next])
      pieces[next] = []
      next += 1
    } else {
      piece = []
      return .filled(0)
    }
    return nil
  }
}
