import Testing
import Wire

@Suite(.timeLimit(.minutes(4)))
struct EmbeddingAnswerTests {
  /// How a server may write its answers.
  private enum Style: CaseIterable {
    case compact
    case pretty

    func answer(_ vectors: [String], tokens: Int64, indices: [Int]? = nil) -> [UInt8] {
      let indices = indices ?? Array(vectors.indices)
      let elements = zip(indices, vectors).map { index, vector in
        switch self {
        case .compact: #"{"object":"embedding","index":\#(index),"embedding":\#(vector)}"#
        case .pretty: "{\n \"embedding\": \(vector), \"index\" : \(index) ,\"more\":{\"index\":7}\n}"
        }
      }
      return switch self {
      case .compact:
        Array(
          #"{"object":"list","data":[\#(elements.joined(separator: ","))],"model":"m","usage":{"prompt_tokens":\#(tokens),"total_tokens":\#(tokens)}}"#
            .utf8)
      case .pretty:
        Array(
          "{ \"usage\": {\"total_tokens\" : \(tokens), \"details\":{\"text\":\(tokens),\"x\":null},\"z\":0},\n\"data\": [\n  \(elements.joined(separator: ",\n  "))\n ] }"
            .utf8)
      }
    }
  }

  private func vector(_ random: inout SeededGenerator) -> String {
    if Bool.random(using: &random) { return #""AAECAwQFBgc=""# }
    let numbers = (0..<3).map { _ in
      ["-0.0000", "1e-05", "0.012345678901234567890", "12"].randomElement(using: &random) ?? "0"
    }
    return "[\(numbers.joined(separator: ", "))]"
  }

  @Test func partsAreWhatEachWouldHaveGotAlone() throws {
    var random = SeededGenerator(5)
    for round in 0..<400 {
      let style = Style.allCases[round % 2]
      let counts = (0..<Int.random(in: 2...9, using: &random)).map { _ in Int.random(in: 1...4, using: &random) }
      let weights = counts.map { _ in Int64.random(in: 1...1000, using: &random) }
      let vectors = (0..<counts.reduce(0, +)).map { _ in vector(&random) }
      let whole = style.answer(vectors, tokens: weights.reduce(0, +))
      let parts = try #require(EmbeddingAnswer(whole, inputs: vectors.count)?.split(counts, weights: weights))
      var start = 0
      for (index, part) in parts.enumerated() {
        let own = Array(vectors[start..<start + counts[index]])
        start += counts[index]
        #expect(part == style.answer(own, tokens: weights[index]))
      }
    }
  }

  @Test func elementsAreTakenByTheirIndex() throws {
    let whole = Style.compact.answer(["[2]", "[0]", "[1]"], tokens: 10, indices: [2, 0, 1])
    let parts = try #require(EmbeddingAnswer(whole, inputs: 3)?.split([1, 2], weights: [3, 7]))
    #expect(parts == [Style.compact.answer(["[0]"], tokens: 3), Style.compact.answer(["[1]", "[2]"], tokens: 7)])
  }

  @Test func usageIsSharedOutWhateverItIs() throws {
    let whole = Style.compact.answer(["[0]", "[1]", "[2]"], tokens: 10)
    let parts = try #require(EmbeddingAnswer(whole, inputs: 3)?.split([1, 1, 1], weights: [1, 1, 1]))
    #expect(parts == zip([0, 1, 2], [4, 3, 3]).map { Style.compact.answer(["[\($0)]"], tokens: $1) })
    let none = Array(#"{"data":[{"index":0},{"index":1}],"usage":null}"#.utf8)
    let halves = try #require(EmbeddingAnswer(none, inputs: 2)?.split([1, 1], weights: [1, 1]))
    #expect(halves == Array(repeating: Array(#"{"data":[{"index":0}],"usage":null}"#.utf8), count: 2))
  }

  @Test(arguments: [
    "", "[]", "{}", #"{"data":null}"#, #"{"data":[]}"#, #"{"data":{"index":0}}"#, #"{"data":[{"index":0}]}"#,
    #"{"data":[{"index":0},{"index":0}]}"#, #"{"data":[{"index":0},{"index":2}]}"#, #"{"data":[{"index":0},{}]}"#,
    #"{"data":[{"index":0},{"index":-1}]}"#, #"{"data":[{"index":0},{"index":"1"}]}"#, #"{"data":[{"index":0},7]}"#,
    #"{"data":[{"index":0},{"index":1},{"index":1}]}"#, #"{"data":[{"index":0},{"index":1},{"index":2}]}"#,
    #"{"data":[{"index":0},{"index":1,"index":1}]}"#, #"{"data":[{"index":0},{"index":1}],"data":[]}"#,
    #"{"data":[{"index":0},{"index":1}],"usage":{},"usage":{}}"#, #"{"data":[{"index":0},{"index":1.5}]}"#,
    #"{"data":[{"index":0},{"index":99999999999999999999}]}"#,
  ])
  func whatDoesNotFitIsNotGuessed(text: String) {
    #expect(EmbeddingAnswer(Array(text.utf8), inputs: 2) == nil)
  }

  @Test func countsThatDoNotFitAreRefused() throws {
    let answer = try #require(EmbeddingAnswer(Style.compact.answer(["[0]", "[1]"], tokens: 2), inputs: 2))
    #expect(answer.split([1], weights: [1]) == nil)
    #expect(answer.split([2, 0], weights: [1, 1]) == nil)
    #expect(answer.split([3, -1], weights: [1, 1]) == nil)
    #expect(answer.split([1, 1], weights: [1]) == nil)
    #expect(EmbeddingAnswer([], inputs: 0) == nil)
  }

  /// Each part repeats what stands around the elements: what a provider adds there is not multiplied without end.
  @Test func partsAreNotFarLargerThanTheAnswer() throws {
    let count = 2048
    func split(around extra: Int = 0, numbers: Int = 1) -> [[UInt8]]? {
      let data = (0..<count).map { #"{"index":\#($0),"embedding":[0.5]}"# }.joined(separator: ",")
      let usage = (0..<numbers).map { #""n\#($0)":4096"# }.joined(separator: ",")
      let text = #"{"object":"\#(String(repeating: "x", count: extra))","data":[\#(data)],"usage":{\#(usage)}}"#
      let ones = Array(repeating: 1, count: count)
      let parts = EmbeddingAnswer(Array(text.utf8), inputs: count)?.split(ones, weights: ones.map { Int64($0) })
      #expect(parts.map { $0.reduce(0) { $0 + $1.count } <= 2 * text.utf8.count + 1 << 20 } ?? true)
      return parts
    }
    #expect(split()?.count == count && split(around: 300)?.count == count)
    #expect(split(numbers: 8)?.count == count)
    #expect(split(around: 2000) == nil)
    #expect(split(numbers: 33) == nil)
    let numbers = (0..<33).map { #""n\#($0)":1"# }.joined(separator: ",")
    let few = Array(#"{"data":[{"index":0},{"index":1}],"usage":{\#(numbers)}}"#.utf8)
    #expect(EmbeddingAnswer(few, inputs: 2)?.split([1, 1], weights: [1, 1]) == nil)
    // Between the elements of one part.
    let wide = String(repeating: " ", count: 200_000)
    let three = Array((#"{"data":[{"index":0},"# + wide + #"{"index":1},{"index":2}]}"#).utf8)
    #expect(EmbeddingAnswer(three, inputs: 3)?.split([1, 2], weights: [1, 1])?.count == 2)
    let many = (1..<count).map { #",{"index":\#($0)}"# }.joined()
    let long = Array((#"{"data":[{"index":0}"# + "," + wide + many.dropFirst() + "]}").utf8)
    #expect(EmbeddingAnswer(long, inputs: count)?.split([1, count - 1], weights: [1, 1]) == nil)
  }

  /// Whatever comes, parts are JSON that holds the elements of their inputs.
  @Test func damagedAnswersAreSplitRightOrNotAtAll() throws {
    var random = SeededGenerator(17)
    let vectors = (0..<6).map { "[\($0)]" }
    var split = 0
    for round in 0..<20_000 {
      var bytes = Style.allCases[round % 2].answer(vectors, tokens: 60)
      for _ in 0..<Int.random(in: 1...3, using: &random) {
        let place = Int.random(in: bytes.indices, using: &random)
        switch Int.random(in: 0..<4, using: &random) {
        case 0: bytes[place] = Array("0123456789,:{}[]\"".utf8).randomElement(using: &random) ?? 0
        case 1: bytes.remove(at: place)
        case 2: bytes.insert(UInt8.random(in: 0...255, using: &random), at: place)
        default: bytes.replaceSubrange(place..<min(place + 9, bytes.count), with: bytes[..<min(9, bytes.count)])
        }
        if bytes.isEmpty { bytes = [0] }
      }
      guard let parts = EmbeddingAnswer(bytes, inputs: 6)?.split([1, 2, 3], weights: [1, 2, 3]) else { continue }
      split += 1
      let whole = try #require(try? JSONSlice.parse(bytes, maximumDepth: 512))
      let elements = whole["data"]?.elements.map { ($0["index"]?.int64, $0["embedding"].map { Array($0.raw) }) } ?? []
      var start: Int64 = 0
      for (part, count) in zip(parts, [1, 2, 3] as [Int64]) {
        let data = try #require(try JSONSlice.parse(part, maximumDepth: 512)["data"])
        let own = data.elements.map { ($0["index"]?.int64, $0["embedding"].map { Array($0.raw) }) }
        #expect(own.map(\.0) == (0..<count).map { $0 })
        for (index, element) in own.enumerated() {
          #expect(elements.first { $0.0 == start + Int64(index) }?.1 == element.1)
        }
        start += count
      }
    }
    #expect(split > 1000)
  }
}
