import BatchCore
import Ledger
import TestSupport
import Testing
import Wire

@testable import Worker

@Suite(.timeLimit(.minutes(4)))
struct LineGroupingTests {
  private static let limits = EmbeddingLimits(inputs: 10, tokens: 100, tokensEach: 50)

  private static func row(
    _ id: Int64, _ input: String, more: String = "", attempt: Int = 1, tokens: Int64 = 5, tenant: String = "t"
  ) -> BatchRowBody {
    let bytes = Array(#"{"model":"m","input":\#(input)\#(more)}"#.utf8)
    return BatchRowBody(
      id: RequestID(id), attempt: attempt, body: RequestBody(bytes: bytes, modelRange: 9..<12), tenant: tenant,
      tokens: tokens)
  }

  private static func lines(_ rows: [BatchRowBody], limits: EmbeddingLimits = limits) -> BatchLines {
    var grouping = LineGrouping(label: "L", limits: limits)
    for row in rows { grouping.add(row) }
    return grouping.finish()
  }

  private static func ids(_ lines: BatchLines) -> [[Int64]] { lines.shared.map { $0.map(\.id.rawValue) } }

  @Test func neighboursThatAskForTheSameShareALine() {
    let lines = Self.lines([
      Self.row(1, #""a""#), Self.row(2, #"["b","c"]"#, tokens: 7), Self.row(3, #""d""#, more: #","dimensions":8"#),
      Self.row(4, #""e""#), Self.row(5, #""f""#, attempt: 2), Self.row(6, #""g""#), Self.row(7, #""""#),
      Self.row(8, "[1]"), Self.row(9, "[[2],[3]]"),
    ])
    #expect(Self.ids(lines) == [[1, 2], [8, 9]])
    #expect(lines.shared[0].map(\.inputs) == [1, 2] && lines.shared[0].map(\.tokens) == [5, 7])
    #expect(lines.count == 7)
  }

  @Test func tenantsShareNoLine() {
    let rows = [1, 2, 3, 4].map { Self.row($0, #""a""#, tenant: $0 < 3 ? "t" : "u") }
    #expect(Self.ids(Self.lines(rows)) == [[1, 2], [3, 4]])
  }

  @Test func aLineKeepsToTheProvidersLimits() {
    let many = (1...25).map { Self.row($0, #""a""#, tokens: 1) }
    #expect(Self.lines(many).shared.map(\.count) == [10, 10, 5])
    let long = (1...5).map { Self.row($0, #""a""#, tokens: 40) }
    #expect(Self.ids(Self.lines(long)) == [[1, 2], [3, 4]])
    let ten = Array(repeating: #""b""#, count: 10).joined(separator: ",")
    #expect(Self.lines([Self.row(1, #""a""#, tokens: 1), Self.row(2, "[\(ten)]")]).shared.isEmpty)
    // One that is expected to be refused spoils no line.
    let hopeless = [Self.row(1, #""a""#), Self.row(2, #""b""#, tokens: 51), Self.row(3, #""c""#), Self.row(4, #""d""#)]
    #expect(Self.ids(Self.lines(hopeless)) == [[3, 4]])
  }

  @Test func anAnswerFitsIntoMemory() {
    let roomy = EmbeddingLimits(inputs: 2048, tokens: .max / 2, tokensEach: .max / 2)
    let rows = (1...3000).map { Self.row($0, #""a""#) }
    let largest = Self.lines(rows, limits: roomy).shared.map(\.count).max() ?? 0
    #expect((50...200).contains(largest), "3,072 numbers each")
    let small = (1...3000).map { Self.row($0, #""a""#, more: #","dimensions":64"#) }
    #expect(Self.lines(small, limits: roomy).shared.map(\.count) == [2048, 952])
    let huge = (1...3).map { Self.row($0, #""a""#, more: #","dimensions":999999999"#) }
    #expect(Self.lines(huge, limits: roomy).shared.isEmpty)
    let text = "\"" + String(repeating: "x", count: 3 << 20) + "\""
    #expect(Self.lines((1...3).map { Self.row($0, text) }, limits: roomy).shared.isEmpty)
  }

  @Test func aLongFrameIsNotShared() {
    func ids(_ length: Int) -> [[Int64]] {
      let user = #","user":"\#(String(repeating: "u", count: length))""#
      return Self.ids(Self.lines((1...3).map { Self.row($0, #""a""#, more: user) }))
    }
    #expect(ids(16_000) == [[1, 2, 3]] && ids(17_000).isEmpty)
  }

  /// A line above the limit would be refused for all of its requests.
  @Test func whatIsOnlyEstimatedLeavesHeadroom() {
    #expect(Self.limits.withHeadroom(for: "text-embedding-3-small") == Self.limits)
    let limits = Self.limits.withHeadroom(for: "some-embedder")
    #expect(limits == EmbeddingLimits(inputs: 10, tokens: 90, tokensEach: 50))
    let rows = (1...6).map { Self.row($0, #""a""#, tokens: 30) }
    #expect(Self.ids(Self.lines(rows)) == [[1, 2, 3], [4, 5, 6]])
    #expect(Self.ids(Self.lines(rows, limits: limits)) == [[1, 2, 3], [4, 5, 6]])
    let more = (1...6).map { Self.row($0, #""a""#, tokens: 31) }
    #expect(Self.ids(Self.lines(more)) == [[1, 2, 3], [4, 5, 6]])
    #expect(Self.ids(Self.lines(more, limits: limits)) == [[1, 2], [3, 4], [5, 6]])
  }

  @Test func everyRowIsInOneLine() {
    var random = SplitMix(state: 3)
    for _ in 0..<60 {
      var rows: [BatchRowBody] = []
      for id in 1...Int64.random(in: 1...60, using: &random) {
        let input = [#""a""#, #"["b","cc"]"#, "[1,2]", #""""#, #""é""#].randomElement(using: &random) ?? ""
        let more = ["", "", #","dimensions":8"#].randomElement(using: &random) ?? ""
        rows.append(
          Self.row(
            id * 7, input, more: more, attempt: Int.random(in: 1...6, using: &random) == 1 ? 2 : 1,
            tokens: Int64.random(in: 0...60, using: &random)))
      }
      let lines = Self.lines(rows)
      let shared = lines.shared.flatMap { $0.map(\.id) }
      #expect(Set(shared).count == shared.count && lines.shared.allSatisfy { $0.count > 1 })
      #expect(lines.count == rows.count - shared.count + lines.shared.count)
      #expect(Self.lines(rows) == lines)
    }
  }
}
