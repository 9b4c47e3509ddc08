import BatchCore
import Testing
import Wire

@Suite(.timeLimit(.minutes(4)))
struct PromptOrderTests {
  private func order(_ beginning: String, _ end: String, tools: String? = nil, toolsLast: Bool = false) throws -> Int64
  {
    let messages =
      #""messages":[{"role":"system","content":"\#(beginning)"},{"role":"user","content":"\#(end)"}]"#
    let parts = toolsLast ? [messages, tools] : [tools, messages]
    let body = "{\(parts.compactMap { $0 }.joined(separator: ","))}"
    return PromptOrder(PromptReader.read(try JSONSlice.parse(Array(body.utf8)), endpoint: .chatCompletions)).number
  }

  private func long(_ letter: Character, _ count: Int) -> String { String(repeating: letter, count: count) }

  @Test func whatBeginsAlikeStandsTogether() throws {
    let common = long("a", 2100)
    let near = try ["x", "y", "z"].map { try order(common, long($0.first ?? "x", 500)) }
    #expect(Set(near).count == 1)
    // Those that share more stand together among those that share less.
    let far = try ["x", "y"].map { try order(common + long($0.first ?? "x", 2100), "end") }
    #expect(Set(far).count == 2)
    let shift = Int64(45)
    #expect(Set((near + far).map { $0 >> shift }).count == 1)
    #expect(try order(long("b", 2100), "end") >> shift != near[0] >> shift)
  }

  @Test func whatNoCacheKeepsHasNoOrder() throws {
    #expect(try order(long("a", 1000), "end") == 0)
    let input = try JSONSlice.parse(Array(#"{"input":"\#(long("a", 9000))"}"#.utf8))
    #expect(PromptOrder(PromptReader.read(input, endpoint: .embeddings)).number == 0)
  }

  @Test func isNeverBelowZero() throws {
    for index in 0..<200 {
      #expect(try order("\(index)" + long("c", 20_000), "end") > 0)
    }
  }

  /// The model sees them first, wherever a body has them.
  @Test func functionsComeFirst() throws {
    let tools =
      #""tools":[{"type":"function","function":{"name":"f","description":"\#(long("d", 2100))","parameters":{}}}]"#
    let first = try order("one", "end", tools: tools)
    #expect(first != 0)
    #expect(try order("two", "other end", tools: tools, toolsLast: true) == first)
  }
}
