/// An estimate from the size alone: four bytes a token, rounded up, and a little for the frame around the messages.
///
/// Close for English prose, high for JSON with long keys, low by up to half for scripts with three bytes a character.
/// Exact counts by byte-pair encoding come later and replace it; until then limits in tokens are approximate.
public struct ByteRatioEstimator: TokenCounting, Hashable {
  /// What the frame of a chat adds: role markers and the start of the answer.
  static let overhead: Int64 = 8

  public init() {}

  public func estimate(textBytes: Int, model: String) -> Int64 {
    let bytes = Int64(max(0, textBytes))
    return bytes / 4 + (bytes % 4 == 0 ? 0 : 1) + Self.overhead
  }
}
