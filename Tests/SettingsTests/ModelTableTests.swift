import Settings
import Testing

@Suite("Models", .timeLimit(.minutes(4)))
struct ModelTableTests {
  private func table(_ patterns: String...) -> ModelTable {
    ModelTable(patterns.map { ModelSettings(pattern: $0, routes: [RouteSettings(provider: "p")]) })
  }

  @Test(
    "an exact name wins, then the pattern with most literal characters",
    arguments: [
      ("gpt-4o", "gpt-4o"), ("gpt-4o-max", "gpt-4o*"), ("gpt-4o-mini", "gpt-*mini"), ("gpt-4", "gpt-*"),
      ("xgpt-4", "*"), ("ft:a:b", "ft:*:*"),
      ("ft:a", "*"), ("gpt-mini", "gpt-*mini"), ("o1-x-mini", "o1*-*mini"), ("", "*"),
    ])
  func longest(_ name: String, _ expected: String) {
    let table = table("*", "gpt-*", "gpt-4o*", "gpt-4o", "gpt-*mini", "ft:*:*", "o1*-*mini")
    #expect(table.entry(for: name)?.pattern == expected)
  }

  @Test("equal lengths go by the order of the file")
  func order() {
    #expect(table("a*c", "*ac").entry(for: "ac")?.pattern == "a*c")
    #expect(table("*ac", "a*c").entry(for: "ac")?.pattern == "*ac")
  }

  @Test("the parts of a pattern do not overlap")
  func overlap() {
    #expect(table("aba*aba").entry(for: "aba") == nil)
    #expect(table("aba*aba").entry(for: "ababa") == nil)
    #expect(table("aba*aba").entry(for: "abaaba") != nil)
    #expect(table("a*b*b").entry(for: "ab") == nil)
    #expect(table("a**b").entry(for: "ab") != nil)
  }

  @Test("matching agrees with a plain recursive matcher")
  func agreesWithReference() {
    func reference(_ pattern: Substring, _ name: Substring) -> Bool {
      guard let first = pattern.first else { return name.isEmpty }
      if first == "*" {
        return reference(pattern.dropFirst(), name) || (!name.isEmpty && reference(pattern, name.dropFirst()))
      }
      return name.first == first && reference(pattern.dropFirst(), name.dropFirst())
    }
    var generator = SystemRandomNumberGenerator()
    var matched = 0
    for _ in 0..<5000 {
      let pattern = "*" + String((0..<Int.random(in: 0...6, using: &generator)).map { _ in "ab**".randomElement()! })
      let name = String((0..<Int.random(in: 0...8, using: &generator)).map { _ in "ab".randomElement()! })
      let expected = reference(pattern[...], name[...])
      #expect((table(pattern).entry(for: name) != nil) == expected, "\(pattern) \(name)")
      matched += expected ? 1 : 0
    }
    #expect((500..<5000).contains(matched))
  }

  @Test("a route may rename the model")
  func rename() throws {
    let settings = try load(
      """
      providers:
        openai: {kind: openai, api_key: sk-1}
        vllm: {kind: openai-compatible, endpoint: http://vllm/v1}
      models:
        "gpt-*": {routes: [openai, "vllm:org/model:latest"]}
      """)
    #expect(
      settings.route(for: "gpt-5") == [
        Route(provider: "openai", model: "gpt-5"), Route(provider: "vllm", model: "org/model:latest"),
      ])
    #expect(settings.route(for: "claude").isEmpty)
  }
}
