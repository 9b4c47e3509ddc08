@testable import Tokenizer

extension BytePairEncoding {
  /// Byte-pair encoding as it is defined: of all neighbours that merge, the ones of lowest rank do, leftmost first. Slow.
  ///
  /// Assumes that the text is a single piece.
  func idsByMerging(_ text: UnsafeBufferPointer<UInt8>) -> [UInt32] {
    var parts = text.map { tables.byteTokens[Int($0)] }
    while parts.count > 1 {
      var best = Vocabulary.none
      var place = 0
      for index in 0..<parts.count - 1 {
        let merged = tables.merged(parts[index], parts[index + 1])
        if merged < best { (best, place) = (merged, index) }
      }
      if best == Vocabulary.none { break }
      parts[place] = best
      parts.remove(at: place + 1)
    }
    return parts
  }
}
