internal import CTokenData

/// A public encoding, ready to count: the ids are those of tiktoken's `encode_ordinary`, so special tokens are plain text.
///
/// Takes time in proportion to the text, whatever it is, and beside the ids at most 4 bytes of memory for each byte of the
/// longest piece. The tables (`o200k_base` 20 MB, `cl100k_base` 11 MB) are made at first use, in some 30 and 17 ms, and stay.
public struct BytePairEncoding: Sendable {
  let tables: Vocabulary
  private let classes: CharacterClasses
  private let encoding: TokenEncoding

  private static let cl100kBase = Vocabulary(PackedReader(millrace_cl100k_base, millrace_cl100k_base_size))
  private static let o200kBase = Vocabulary(PackedReader(millrace_o200k_base, millrace_o200k_base_size))

  /// The encoding of the process, whose tables are made now if nobody asked for it before.
  public init(_ encoding: TokenEncoding) {
    self.encoding = encoding
    classes = .shared
    tables =
      switch encoding {
      case .cl100kBase: Self.cl100kBase
      case .o200kBase: Self.o200kBase
      }
  }

  /// Tables of their own, to measure what making them takes.
  public init(loading encoding: TokenEncoding) {
    self.encoding = encoding
    classes = .shared
    tables =
      switch encoding {
      case .cl100kBase: Vocabulary(PackedReader(millrace_cl100k_base, millrace_cl100k_base_size))
      case .o200kBase: Vocabulary(PackedReader(millrace_o200k_base, millrace_o200k_base_size))
      }
  }

  /// How many tokens the bytes are, what is no UTF-8 in them read as U+FFFD.
  public func count(_ text: UnsafeBufferPointer<UInt8>) -> Int {
    withUTF8(text) { text in
      var tally = TokenTally()
      encode(valid: text, into: &tally)
      return tally.count
    }
  }

  /// The tokens of the bytes, what is no UTF-8 in them read as U+FFFD.
  public func ids(_ text: UnsafeBufferPointer<UInt8>) -> [UInt32] {
    withUTF8(text) { text in
      [UInt32](unsafeUninitializedCapacity: text.count) { buffer, count in
        guard let ids = buffer.baseAddress else { return }
        var list = TokenList(ids)
        encode(valid: text, into: &list)
        count = list.count
      }
    }
  }

  private func withUTF8<Result>(
    _ text: UnsafeBufferPointer<UInt8>, _ body: (UnsafeBufferPointer<UInt8>) -> Result
  ) -> Result {
    let validEnd = UTF8Text.validEnd(text)
    if validEnd == text.count { return body(text) }
    return UTF8Text.repaired(text, validEnd: validEnd).withUnsafeBufferPointer(body)
  }

  private func encode<Sink: TokenSink>(valid text: UnsafeBufferPointer<UInt8>, into sink: inout Sink) {
    switch encoding {
    case .cl100kBase: encode(text, CL100KScanner(classes: classes), into: &sink)
    case .o200kBase: encode(text, O200KScanner(classes: classes), into: &sink)
    }
  }

  @inline(__always)
  private func encode<Sink: TokenSink>(
    _ text: UnsafeBufferPointer<UInt8>, _ scanner: some PieceScanner, into sink: inout Sink
  ) {
    guard let base = text.baseAddress else { return }
    var encoder = PieceEncoder(tables)
    var start = 0
    while start < text.count {
      let end = scanner.end(base, start, text.count)
      encoder.encode(base + start, end - start, readable: text.count - start, into: &sink)
      start = end
    }
  }
}
