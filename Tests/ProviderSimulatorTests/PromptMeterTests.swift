import BatchCore
import Testing
import Wire

@testable import ProviderSimulator

@Suite(.timeLimit(.minutes(4)))
struct PromptMeterTests {
  private func read(
    _ body: String, _ model: String, _ endpoint: Endpoint = .chatCompletions, hashesPrefixes: Bool = false
  ) throws -> ModelRequest {
    let whole = #"{"model":"\#(model)",\#(body.dropFirst())"#
    return try ModelRequest(
      endpoint: endpoint, body: JSONSlice.parse(Array(whole.utf8)), counting: .exact, hashesPrefixes: hashesPrefixes)
  }

  private static let conversation = #"""
    {"messages":[
      {"role":"system","content":"You are a helpful, pattern-following assistant that translates corporate jargon into plain English."},
      {"role":"system","name":"example_user","content":"New synergies will help drive top-line growth."},
      {"role":"system","name":"example_assistant","content":"Things working well together will increase revenue."},
      {"role":"system","name":"example_user","content":"Let's circle back when we have more bandwidth to touch base on opportunities for increased leverage."},
      {"role":"system","name":"example_assistant","content":"Let's talk later when we're less busy about how to do better."},
      {"role":"user","content":"This late pivot means we don't have time to boil the ocean for the client deliverable."}
    ]}
    """#

  /// What OpenAI's cookbook says that the API counted.
  @Test(arguments: [("gpt-3.5-turbo", 129), ("gpt-4", 129), ("gpt-4o", 124), ("gpt-4o-mini", 124)])
  func messages(model: String, tokens: Int) throws {
    #expect(try read(Self.conversation, model).inputTokens == tokens)
  }

  private static let weather = #"""
    {"tools":[{"type":"function","function":{"name":"get_current_weather","description":"Get the current weather in a given location",
       "parameters":{"type":"object","properties":{
         "location":{"type":"string","description":"The city and state, e.g. San Francisco, CA"},
         "unit":{"type":"string","description":"The unit of temperature to return","enum":["celsius","fahrenheit"]}},
       "required":["location"]}}}],
     "messages":[
      {"role":"system","content":"You are a helpful assistant that can answer to questions about the weather."},
      {"role":"user","content":"What's the weather like in San Francisco?"}]}
    """#

  @Test(arguments: [("gpt-3.5-turbo", 105), ("gpt-4", 105), ("gpt-4o", 101), ("gpt-4o-mini", 101)])
  func functions(model: String, tokens: Int) throws {
    #expect(try read(Self.weather, model).inputTokens == tokens)
  }

  @Test func othersHaveFactorsOfTheirOwn() throws {
    let counts = try ["gpt-4o", "gemini-2.5-flash", "claude-haiku-5-5", "claude-opus-5-5"].map {
      try read(Self.conversation, $0).inputTokens
    }
    #expect(counts == [124, 129, 147, 182])
  }

  @Test func inputsOfEmbeddingsAreTheirTokens() throws {
    let request = try read(#"{"input":["hello world",[1,2,3]]}"#, "text-embedding-3-small", .embeddings)
    #expect(request.inputTokens == 5)
  }

  @Test func noMoreIsBilledThanIsAskedFor() throws {
    var request = try read(
      #"{"max_tokens":8,"messages":[{"role":"user","content":"tell me about the tides"}]}"#, "gpt-4o")
    let short = Completion(for: request)
    #expect(short.tokens == 8 && short.isTruncated && short.text.count == 32)
    request.maximumOutputTokens = nil
    request.directives.outputTokens = 50
    #expect(Completion(for: request).tokens == 50)
  }

  // MARK: The prompt cache

  private func long(_ beginning: String, _ end: String) -> String {
    let words = (0..<1500).map { "\(beginning)\($0 % 7)" }.joined(separator: " ")
    return #"{"messages":[{"role":"system","content":"\#(words)"},{"role":"user","content":"\#(end)"}]}"#
  }

  @Test func whatBeginsAlikeIsCachedInStepsOf128() throws {
    let cache = PromptCache()
    func cached(_ beginning: String, _ end: String, _ model: String = "gpt-4o", capacity: Int = 2) throws -> Int {
      let request = try read(long(beginning, end), model, hashesPrefixes: true)
      let cached = cache.use(request.meter.prefixes, project: "p", model: model, capacity: capacity)
      #expect(cached <= request.inputTokens)
      return cached
    }
    #expect(try cached("a", "one") == 0)
    let again = try cached("a", "two")
    #expect(again >= 1024 && (again - 1024) % 128 == 0)
    #expect(try cached("a", "two") >= again)
    // Another model, and a beginning that differs, have nothing of it.
    #expect(try cached("a", "two", "gpt-4o-mini", capacity: 9) == 0)
    #expect(try cached("b", "two", capacity: 9) == 0)
    #expect(try cached("a", "two", "claude-opus-5-5", capacity: 9) == 0)
    // What was not used for longest has made room.
    #expect(try cached("c", "two") == 0)
    #expect(try cached("a", "two") == 0)
  }

  @Test func aShortPromptIsNotCached() throws {
    let request = try read(Self.conversation, "gpt-4o", hashesPrefixes: true)
    #expect(request.meter.prefixes?.hashes.isEmpty == true)
  }

  @Test func cachedInputCostsLess() {
    let price = ModelPrice.of("gpt-4o")
    let (whole, cached) = (10_000, 4096)
    let cost = price.cost(inputTokens: whole, cachedTokens: cached, outputTokens: 1, isBatch: false).value
    #expect(cost == 5904 * 2_500_000 + 4096 * 1_250_000 + 10_000_000)
  }
}
