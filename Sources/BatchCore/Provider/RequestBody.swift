/// A provider's request body as it is kept: valid JSON on one line, `stream` removed, with the place of the model name,
/// so that a route's own name is spliced in without decoding.
public struct RequestBody: Hashable, Sendable {
  public var bytes: [UInt8]
  /// The JSON string of the model name, quotes included.
  public var modelRange: Range<Int>

  public init(bytes: [UInt8], modelRange: Range<Int>) {
    self.bytes = bytes
    self.modelRange = modelRange
  }
}
