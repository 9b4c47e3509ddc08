import Foundation
import Testing

@testable import Tokenizer

/// Texts that make careless byte-pair encoders slow or wrong. In squared time, one of these takes longer than the limit.
@Suite(.timeLimit(.minutes(5)))
struct HostileTextTests {
  static let encodings = TokenEncoding.allCases.map { BytePairEncoding($0) }

  /// What tiktoken 0.14.0 makes of shorter runs, times the length; it gives up on some of these. In the order of `allCases`.
  @Test(arguments: [
    ("a", 1_000_000, [125_000, 125_000]), (" ", 1_000_000, [7813, 7813]), ("\n", 1_000_000, [31_250, 62_500]),
    ("😀", 250_000, [500_000, 250_000]), ("\0", 1_000_000, [1_000_000, 500_000]),
  ])
  func oneCharacterForAMegabyte(character: String, times: Int, tokens: [Int]) {
    let text = Array(String(repeating: character, count: times).utf8)
    for (encoding, expected) in zip(Self.encodings, tokens) {
      #expect(text.withUnsafeBufferPointer { encoding.count($0) } == expected)
    }
  }

  @Test(arguments: encodings.indices)
  func randomBytesReadAsTheirRepair(index: Int) {
    var random = SplitMix(state: 7)
    for size in [1, 2, 3, 7, 64, 1000, 100_000] {
      let bytes = (0..<size).map { _ in UInt8(truncatingIfNeeded: random.next()) }
      let repaired = Array(String(decoding: bytes, as: UTF8.self).utf8)
      let ids = bytes.withUnsafeBufferPointer { Self.encodings[index].ids($0) }
      #expect(ids == repaired.withUnsafeBufferPointer { Self.encodings[index].ids($0) })
    }
  }

  @Test func everyCutThroughACharacterIsRepaired() {
    let bytes = Array("é中😀".utf8)
    for end in 0...bytes.count {
      let cut = Array(bytes[..<end])
      let repaired = Array(String(decoding: cut, as: UTF8.self).utf8)
      for encoding in Self.encodings {
        #expect(
          cut.withUnsafeBufferPointer { encoding.ids($0) } == repaired.withUnsafeBufferPointer { encoding.ids($0) })
      }
    }
  }

  /// A piece of a hundred thousand bytes is merged pair by pair here, as the encodings are defined, from the same merges.
  @Test(arguments: TokenEncoding.allCases)
  func longPiecesAreMergedInTheOrderOfRank(name: TokenEncoding) {
    let encoding = BytePairEncoding(name)
    var random = SplitMix(state: 11)
    for (alphabet, length) in [
      ("ab", 3000), ("etaoin", 3000), ("!?.=-", 3000), ("абвгд", 1500), ("0a", 1),
      ("\u{fffd}!", 1500), ("\u{fffd}?§—€☃", 1500),
    ] {
      let letters = Array(alphabet)
      let text = Array(String((0..<length).map { _ in letters[Int(random.next() % UInt64(letters.count))] }).utf8)
      let ids = text.withUnsafeBufferPointer { encoding.ids($0) }
      #expect(ids == text.withUnsafeBufferPointer { encoding.idsByMerging($0) })
    }
  }

  /// What some of them are encoded to is known beforehand: up to where and beyond, alone and next to text.
  @Test(arguments: TokenEncoding.allCases)
  func runsOfReplacementsAreMergedInTheOrderOfRank(name: TokenEncoding) {
    let encoding = BytePairEncoding(name)
    for run in 1...ReplacementRuns.longest + 3 {
      for (before, after) in [("", ""), ("%", ""), ("", "&"), ("\u{1}", "\u{ff5d}"), ("", "\u{ff3d}\u{fffd}")] {
        let text = Array((before + String(repeating: "\u{fffd}", count: run) + after).utf8)
        let ids = text.withUnsafeBufferPointer { encoding.ids($0) }
        #expect(ids == text.withUnsafeBufferPointer { encoding.idsByMerging($0) }, "\(run) after \(before)")
      }
    }
  }

  @Test func specialTokensAreText() {
    let text = Array("<|endoftext|>".utf8)
    #expect(text.withUnsafeBufferPointer { Self.encodings[0].ids($0) } == [27, 91, 8862, 728, 428, 91, 29])
    #expect(text.withUnsafeBufferPointer { Self.encodings[1].ids($0) } == [27, 91, 419, 1440, 919, 91, 29])
  }

  @Test func nothingIsNoToken() {
    for encoding in Self.encodings {
      #expect(encoding.count(UnsafeBufferPointer(start: nil, count: 0)) == 0)
    }
  }
}
