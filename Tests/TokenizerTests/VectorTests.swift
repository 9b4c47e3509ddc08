import Foundation
import Testing
import Tokenizer

/// What tiktoken 0.14.0 says of 1,543 texts: ids of the short ones, the count of the long ones.
@Suite(.timeLimit(.minutes(5)))
struct VectorTests {
  struct Vector: Decodable {
    enum Expected: Decodable {
      case ids([UInt32])
      case count(Int)

      init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        if let count = try? value.decode(Int.self) {
          self = .count(count)
        } else {
          self = .ids(try value.decode([UInt32].self))
        }
      }
    }

    var text: String
    var cl100kBase: Expected
    var o200kBase: Expected

    enum CodingKeys: String, CodingKey {
      case text
      case cl100kBase = "cl100k_base"
      case o200kBase = "o200k_base"
    }
  }

  static func load() throws -> [Vector] {
    let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Vectors/token-vectors.jsonl")
    return try Data(contentsOf: file).split(separator: UInt8(ascii: "\n")).map {
      try JSONDecoder().decode(Vector.self, from: $0)
    }
  }

  @Test(arguments: TokenEncoding.allCases)
  func idsAndCountsAreThoseOfTheReference(name: TokenEncoding) throws {
    let encoding = BytePairEncoding(name)
    let vectors = try Self.load()
    #expect(vectors.count == 1543)
    for vector in vectors {
      let text = Array(vector.text.utf8)
      let ids = text.withUnsafeBufferPointer { encoding.ids($0) }
      switch name == .cl100kBase ? vector.cl100kBase : vector.o200kBase {
      case .ids(let expected): #expect(ids == expected, "\(vector.text.debugDescription)")
      case .count(let expected): #expect(ids.count == expected, "\(vector.text.prefix(80).debugDescription)")
      }
      #expect(text.withUnsafeBufferPointer { encoding.count($0) } == ids.count)
    }
  }
}
