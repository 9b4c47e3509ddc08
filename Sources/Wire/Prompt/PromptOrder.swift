/// Where a prompt stands among others of its batch: prompts that begin alike are neighbours.
///
/// Providers keep the beginnings of prompts that they have seen, and ask less for them, but only for as long as nothing
/// else takes their place. So what begins alike should come one after the other. The number has a part for each of four
/// beginnings, the shortest first: those that share a long one share the shorter ones too, so they stand together among
/// those that do.
public struct PromptOrder: Hashable, Sendable {
  /// Not below 0. 0 is what no cache keeps anything of.
  public let number: Int64

  /// In bytes. The first is what 1,024 tokens, below which nothing is kept, have of texts with short tokens.
  private static let lengths = [2048, 4096, 8192, 16384]
  /// So that four of them leave the sign free.
  private static let bitsEach: Int64 = 15

  public init(_ prompt: PromptContent) {
    guard prompt.messages > 0, prompt.text.count >= Self.lengths[0] else {
      number = 0
      return
    }
    // What is told of functions comes first, wherever it stands in the body.
    let definitions = prompt.definitions.clamped(to: 0..<prompt.text.count)
    let parts = [definitions, 0..<definitions.lowerBound, definitions.upperBound..<prompt.text.count]
    number = prompt.text.withUnsafeBufferPointer { text in
      var hash: UInt64 = 0xCBF2_9CE4_8422_2325
      var number: Int64 = 0
      var (length, level) = (0, 0)
      for part in parts {
        for byte in text[part] {
          hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3
          length += 1
          guard length == Self.lengths[level] else { continue }
          number |= Int64(truncatingIfNeeded: hash >> 49) << (Int64(3 - level) * Self.bitsEach)
          level += 1
          if level == Self.lengths.count { return number }
        }
      }
      return number
    }
  }
}
