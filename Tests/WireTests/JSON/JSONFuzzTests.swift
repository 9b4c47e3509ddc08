import Testing
import Wire

@Suite(.timeLimit(.minutes(4)))
struct JSONFuzzTests {
  private static let pieces: [[UInt8]] =
    [
      "{", "}", "[", "]", ",", ":", "\"", "\\", "\\u", "\\ud83d", "\\ude00", "0", "-", "1e", ".", "true", "null", " ",
      "\n", "\r",
    ]
    .map { Array($0.utf8) } + [
      [0], [0x1F], [0x7F], [0x80], [0xC3, 0xA9], [0xE2, 0x80, 0xA8], [0xF0, 0x9F, 0x98, 0x80], [0xED, 0xA0, 0x80],
      [0xFF], [0xEF, 0xBB, 0xBF],
    ]

  private func mutate(_ document: [UInt8], _ random: inout SeededGenerator) -> [UInt8] {
    var bytes = document
    for _ in 0..<Int.random(in: 1...3, using: &random) {
      let place = Int.random(in: 0...bytes.count, using: &random)
      switch Int.random(in: 0..<5, using: &random) {
      case 0 where place < bytes.count: bytes[place] = UInt8.random(in: 0...255, using: &random)
      case 1 where place < bytes.count: bytes.remove(at: place)
      case 2: bytes.removeSubrange(place...)
      case 3: bytes.insert(contentsOf: Self.pieces.randomElement(using: &random) ?? [], at: place)
      default:
        let end = Int.random(in: place...bytes.count, using: &random)
        bytes.insert(
          contentsOf: Array(bytes[place..<end].prefix(20)), at: Int.random(in: 0...bytes.count, using: &random))
      }
    }
    return bytes
  }

  private func walk(_ slice: JSONSlice) -> Int {
    switch slice.kind {
    case .object: slice.members.reduce(1) { $0 + $1.key.utf8.count + walk($1.value) }
    case .array: slice.elements.reduce(1) { $0 + walk($1) }
    case .string: slice.string?.utf8.count ?? -1_000_000
    case .number: slice.int64 == 7 && slice.double == 8 ? 0 : 1
    case .bool, .null: 1
    }
  }

  @Test(arguments: [1, 2, 3, 4] as [UInt64])
  func agreesWithTheReference(_ seed: UInt64) {
    var random = SeededGenerator(seed)
    let corpus =
      JSONSliceTests.valid.map { Array($0.utf8) } + [
        Array(
          "{\"model\":\"gpt-4o\",\"messages\":[{\"role\":\"user\",\"content\":\"caf\u{E9} \\\"x\\\" \\u00e9 \u{2028}\"}],\"n\":[1,-2.5e3]}"
            .utf8)
      ]
    var accepted = 0
    for _ in 0..<15_000 {
      let bytes = mutate(corpus.randomElement(using: &random) ?? [], &random)
      let slice = try? JSONSlice.parse(bytes, maximumDepth: 6)
      #expect((slice != nil) == ReferenceJSON.accepts(bytes, maximumDepth: 6), "\(bytes)")
      let strict = try? JSONSlice.parse(bytes, maximumDepth: 6, loneSurrogates: .refused)
      #expect((strict != nil) == ReferenceJSON.accepts(bytes, maximumDepth: 6, refusesLoneSurrogates: true), "\(bytes)")
      if let slice {
        accepted += 1
        #expect(walk(slice) >= 0)
      }
    }
    #expect(accepted > 500)
  }
}
