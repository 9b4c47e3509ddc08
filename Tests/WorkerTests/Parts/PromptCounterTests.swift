import BatchCore
import Testing
import Wire
import Worker

@Suite(.timeLimit(.minutes(4)))
struct PromptCounterTests {
  private func count(_ body: String, _ model: String, _ endpoint: Endpoint = .chatCompletions) throws -> PromptTokens {
    let prompt = PromptReader.read(try JSONSlice.parse(Array(body.utf8)), endpoint: endpoint)
    return PromptCounter().count(prompt, model: model)
  }

  /// The messages of OpenAI's cookbook, for which it says what the API counted.
  static let cookbook = #"""
    {"messages":[
      {"role":"system","content":"You are a helpful, pattern-following assistant that translates corporate jargon into plain English."},
      {"role":"system","name":"example_user","content":"New synergies will help drive top-line growth."},
      {"role":"system","name":"example_assistant","content":"Things working well together will increase revenue."},
      {"role":"system","name":"example_user","content":"Let's circle back when we have more bandwidth to touch base on opportunities for increased leverage."},
      {"role":"system","name":"example_assistant","content":"Let's talk later when we're less busy about how to do better."},
      {"role":"user","content":"This late pivot means we don't have time to boil the ocean for the client deliverable."}
    ]}
    """#

  @Test(arguments: [("gpt-3.5-turbo", 129), ("gpt-4-0613", 129), ("gpt-4o", 124), ("gpt-4o-mini", 124)])
  func messagesCountWhatTheAPICounted(model: String, tokens: Int64) throws {
    #expect(try count(Self.cookbook, model).estimate == tokens)
  }

  static let tools = #"""
    {"messages":[
      {"role":"system","content":"You are a helpful assistant that can answer to questions about the weather."},
      {"role":"user","content":"What's the weather like in San Francisco?"}],
     "tools":[{"type":"function","function":{"name":"get_current_weather","description":"Get the current weather in a given location",
       "parameters":{"type":"object","properties":{
         "location":{"type":"string","description":"The city and state, e.g. San Francisco, CA"},
         "unit":{"type":"string","description":"The unit of temperature to return","enum":["celsius","fahrenheit"]}},
       "required":["location"]}}}]}
    """#

  /// From the same cookbook.
  @Test(arguments: [("gpt-3.5-turbo", 105), ("gpt-4", 105), ("gpt-4o", 101), ("gpt-4o-mini", 101)])
  func toolsCountWhatTheAPICounted(model: String, tokens: Int64) throws {
    #expect(try count(Self.tools, model).estimate == tokens)
  }

  @Test func imagesCountByTheirRule() throws {
    let body =
      #"{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://x.test","detail":"low"}}]}]}"#
    // 3 for the message, 1 for the role, 3 for the answer.
    #expect(try count(body, "gpt-4o").estimate == 7 + 85)
    #expect(try count(body, "gpt-4o-mini").estimate == 7 + 2833)
  }

  @Test func embeddingsAreTheirTokensAndNothingElse() throws {
    #expect(try count(#"{"input":"hello world"}"#, "text-embedding-3-small", .embeddings).estimate == 2)
    #expect(try count(#"{"input":["hello world","hello"]}"#, "text-embedding-3-small", .embeddings).estimate == 3)
    #expect(try count(#"{"input":[[1,2,3],[4]]}"#, "text-embedding-3-small", .embeddings).estimate == 4)
  }

  /// Each input has the model's context to itself.
  @Test func aListOfInputsIsNotRefusedForItsSum() throws {
    let list = try count(#"{"input":["hello world","hello","hello"]}"#, "text-embedding-3-small", .embeddings)
    #expect(list == PromptTokens(estimate: 4, least: 2))
  }

  @Test func whatIsNotKnownErrsUpwardsAndIsNeverRefusedForAnEstimate() throws {
    let exact = try count(Self.cookbook, "gpt-4o")
    for model in ["claude-sonnet-4-5", "gemini-2.5-pro", "unheard-of"] {
      let estimated = try count(Self.cookbook, model)
      #expect(estimated.estimate > exact.estimate)
      #expect(estimated.least < exact.least)
    }
  }

  @Test func nothingIsOneToken() throws {
    #expect(try count("{}", "gpt-4o").estimate == 1)
  }
}
