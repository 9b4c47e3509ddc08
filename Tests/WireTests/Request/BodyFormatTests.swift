import BatchCore
import Testing
import Wire

/// Whose shape a body has, where the model's provider speaks otherwise than OpenAI.
@Suite struct BodyFormatTests {
  private static let options = DecodingOptions(
    maximumMessageBytes: 100_000, modelMode: { _ in nil },
    nativeEndpoint: { $0.hasPrefix("claude") ? .messages : $0.hasPrefix("mistral") ? .mistralChat : nil },
    isKnownModel: { _ in true })

  private func decode(_ model: String, _ headers: [(String, String)]) -> DecodedMessage {
    let table = FieldTable(headers.map { .init(key: Array($0.0.utf8), value: .string($0.1)) })
    let body = "{\"model\":\"\(model)\",\"messages\":[],\"system\":\"be kind\"}"
    return Fixtures.decode(Fixtures.delivery(body, headers: table), options: Self.options)
  }

  @Test(
    arguments: [
      ("claude-x", [], Endpoint.messages), ("gpt-x", [], .chatCompletions),
      ("claude-x", [("x-format", "native")], .messages), ("gpt-x", [("x-format", "native")], .chatCompletions),
      ("claude-x", [("x-format", "openai")], .chatCompletions), ("gpt-x", [("x-format", "openai")], .chatCompletions),
      ("claude-x", [("x-endpoint", "/v1/chat/completions")], .chatCompletions),
      ("claude-x", [("x-endpoint", "/v1/messages"), ("x-format", "native")], .messages),
      ("gpt-x", [("x-endpoint", "/messages")], .messages), ("mistral-x", [], .mistralChat),
      ("mistral-x", [("x-format", "openai")], .chatCompletions),
      ("mistral-x", [("x-endpoint", "/v1/chat/completions")], .chatCompletions),
      ("mistral-x", [("x-endpoint", "/v1/chat/completions"), ("x-format", "native")], .mistralChat),
      ("mistral-x", [("x-endpoint", "/mistral/v1/chat/completions")], .mistralChat),
    ] as [(String, [(String, String)], Endpoint)])
  func endpoints(_ model: String, _ headers: [(String, String)], _ endpoint: Endpoint) throws {
    let request = try #require(decode(model, headers).request)
    #expect(request.endpoint == endpoint)
    // The system is Anthropic's only.
    #expect(request.prompt.text.isEmpty == (endpoint != .messages))
  }

  @Test(
    arguments: [
      [("x-format", "anthropic")], [("x-format", "openai"), ("x-endpoint", "/v1/messages")],
      [("x-format", "native"), ("x-endpoint", "/v1/chat/completions")],
    ] as [[(String, String)]])
  func contradictions(_ headers: [(String, String)]) throws {
    let poison = try #require(decode("claude-x", headers).poison)
    #expect(poison.failure.code == .invalidHeader)
    #expect(poison.failure.message.hasPrefix("x-format: got"))
  }

  private static let gemini = DecodingOptions(
    maximumMessageBytes: 100_000, modelMode: { _ in nil },
    nativeEndpoint: { $0.hasPrefix("gemini") ? .generateContent : nil }, isKnownModel: { _ in true })

  private func decodeBody(_ body: String, _ headers: [(String, String)]) -> DecodedMessage {
    let table = FieldTable(headers.map { .init(key: Array($0.0.utf8), value: .string($0.1)) })
    return Fixtures.decode(Fixtures.delivery(body, headers: table), options: Self.gemini)
  }

  /// Gemini's own bodies have no messages: those that have are OpenAI's.
  @Test func contents() throws {
    let messages = "{\"model\":\"gemini-x\",\"messages\":[]}"
    let contents =
      "{\"model\":\"gemini-x\",\"contents\":[{\"parts\":[{\"text\":\"hi\"}]}],"
      + "\"generationConfig\":{\"maxOutputTokens\":7,\"candidateCount\":2}}"
    let named = [("x-endpoint", "/v1/generateContent")]
    #expect(decodeBody(messages, []).request?.endpoint == .chatCompletions)
    #expect(decodeBody(messages, [("x-format", "openai")]).request?.endpoint == .chatCompletions)
    #expect(decodeBody(messages, [("x-format", "native")]).poison?.failure.code == .invalidHeader)
    #expect(decodeBody(contents, named).request?.endpoint == .generateContent)
    #expect(decodeBody(contents, [("x-format", "openai")]).poison?.failure.code == .invalidHeader)
    for headers in [[], [("x-format", "native")]] as [[(String, String)]] {
      let request = try #require(decodeBody(contents, headers).request)
      #expect(request.endpoint == .generateContent)
      #expect(request.body.text == contents)
      #expect(request.maximumOutputTokens == 7)
      #expect(String(decoding: request.prompt.text, as: UTF8.self) == "hi")
    }
    #expect(OutputLimit.read(Array(contents.utf8)) == 7)
    let short = "{\"id\":\"1\",\"maxTokens\":7," + contents.dropFirst()
    #expect(decodeBody(short, []).poison?.failure.message.contains("generationConfig") == true)
    #expect(
      decodeBody("{\"contents\":[]," + contents.dropFirst(), []).poison?.failure.message
        == "contents is given more than once")
  }

  /// The short form's limit has the provider's own name.
  @Test func shortForm() throws {
    let delivery = Fixtures.delivery("{\"id\":\"1\",\"model\":\"claude-x\",\"messages\":[],\"maxTokens\":7}")
    let request = try #require(Fixtures.decode(delivery, options: Self.options).request)
    #expect(request.endpoint == .messages)
    #expect(request.body.text.contains("\"max_tokens\":7"))
  }
}
