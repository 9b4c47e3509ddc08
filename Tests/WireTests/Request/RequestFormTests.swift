import BatchCore
import Testing
import Wire

@Suite(.timeLimit(.minutes(4)))
struct RequestFormTests {
  private func decode(_ body: String, headers: FieldTable? = nil) throws -> DecodedRequest {
    let message = Fixtures.decode(Fixtures.delivery(body, headers: headers))
    return try #require(message.request, "\(message.poison?.failure.message ?? "")")
  }

  private func failure(_ body: String, headers: FieldTable? = nil) -> Failure? {
    Fixtures.decode(Fixtures.delivery(body, headers: headers)).poison?.failure
  }

  @Test func providerBodyPassesByteForByte() throws {
    let body =
      "{ \"model\" : \"gpt-4o-mini\",\t\"messages\":[{\"role\":\"user\",\"content\":\"hi \\u00e9\"}],\"unknown\":1.50e+1 }"
    let request = try decode(body)
    #expect(request.body.text == body)
    #expect(request.body.modelText == "\"gpt-4o-mini\"")
    #expect(request.model == "gpt-4o-mini")
    #expect(request.endpoint == .chatCompletions)
    #expect(request.queueLane == .deferred)
    #expect(request.lane == nil)
    #expect(request.envelope.customID == nil)
  }

  @Test(arguments: [
    (#""temperature":0"#, true), (#""temperature":0.0,"n":1"#, true), (#""temperature":-0e3"#, true),
    (#""temperature":0,"n":2"#, false), (#""temperature":0.01"#, false), (#""temperature":"0""#, false),
    (#""temperature":null"#, false), (#""top_p":0"#, false),
  ])
  func theLikeliestAnswerIsAskedForByTemperature(member: String, asks: Bool) throws {
    let request = try decode(#"{"model":"gpt-4o-mini","messages":[{"role":"user","content":"x"}],\#(member)}"#)
    #expect(request.asksForLikeliest == asks)
  }

  @Test func whitespaceAndByteOrderMarkAroundTheBodyGo() throws {
    let request = try decode("\u{FEFF}\r\n \(Fixtures.chat)\n")
    #expect(request.body.text == Fixtures.chat)
    #expect(request.body.modelText == "\"gpt-4o-mini\"")
    #expect(request.bodyHash == (try decode(Fixtures.chat)).bodyHash)
  }

  @Test func batchLineIsUnwrapped() throws {
    let line =
      "{\"custom_id\":\"r-1\",\"method\":\"POST\",\"url\":\"/v1/chat/completions\",\"body\": \(Fixtures.chat) ,\"id\":\"x\"}"
    let request = try decode(line)
    #expect(request.body.text == Fixtures.chat)
    #expect(request.envelope.customID == "r-1")
    #expect(request.bodyHash == (try decode(Fixtures.chat)).bodyHash)
    #expect(try decode("{\"body\":\(Fixtures.chat),\"method\":null,\"url\":null}").envelope.customID == nil)
  }

  @Test func shortFormBecomesTheProvidersOwn() throws {
    let request = try decode(
      "{\"id\":\"s-1\", \"model\":\"gpt-4o-mini\", \"maxTokens\": 1e2, \"messages\":[],\"callbackUrl\":\"https://example.com/hook\"}"
    )
    #expect(request.body.text == "{\"model\":\"gpt-4o-mini\", \"max_completion_tokens\":100, \"messages\":[]}")
    #expect(request.body.modelText == "\"gpt-4o-mini\"")
    #expect(request.maximumOutputTokens == 100)
    #expect(request.envelope.customID == "s-1")
    #expect(request.envelope.callbackURL == "https://example.com/hook")
  }

  @Test(arguments: [
    (
      "{\"model\":\"gpt-5\",\"input\":\"x\",\"maxTokens\":5}",
      "{\"model\":\"gpt-5\",\"input\":\"x\",\"max_output_tokens\":5}"
    ),
    ("{\"id\":\"a\",\"model\":\"gpt-5\",\"input\":\"x\"}", "{\"model\":\"gpt-5\",\"input\":\"x\"}"),
    ("{\"model\":\"gpt-5\",\"id\":\"a\",\"input\":\"x\"}", "{\"model\":\"gpt-5\",\"input\":\"x\"}"),
    ("{\"model\":\"gpt-5\",\"input\":\"x\",\"id\":\"a\"}", "{\"model\":\"gpt-5\",\"input\":\"x\"}"),
    (
      "{\"id\":1,\"maxTokens\":null,\"callbackUrl\":null,\"model\":\"gpt-5\",\"input\":\"x\"}",
      "{\"model\":\"gpt-5\",\"input\":\"x\"}"
    ),
    (
      "{\"id\":1,\"stream\":true,\"model\":\"gpt-5\",\"stream_options\":{},\"input\":\"x\",\"maxTokens\":1}",
      "{\"model\":\"gpt-5\",\"input\":\"x\",\"max_output_tokens\":1}"
    ),
  ])
  func shortFormEdits(_ body: String, _ expected: String) throws {
    #expect(try decode(body).body.text == expected)
  }

  @Test(arguments: [
    ("{\"stream\":true,@}", "{@}"), ("{@,\"stream\":true}", "{@}"),
    ("{\"stream\":true,\"stream_options\":{\"a\":[1]},@}", "{@}"),
    ("{@ , \"stream\" : false , \"stream_options\":null }", "{@ }"), ("{\"stream\":1,@,\"stream\":2}", "{@}"),
    ("{\"str\\u0065am\":1,@}", "{@}"),
    ("{\"a\":{\"stream\":true},@}", "{\"a\":{\"stream\":true},@}"),
    ("{\"a\":1, \"stream\":1, @, \"stream\":1, \"b\":2}", "{\"a\":1, @, \"b\":2}"),
    ("{\r\n  @,\n\t\"a\" :\n\"x\\n\"\r\n}", "{  @,\t\"a\" :\"x\\n\"}"),
    ("{@,\"a\":\"\u{2028}x\u{2029}\"}", "{@,\"a\":\"\\u2028x\\u2029\"}"),
    ("{@,\"\u{2028}\":\"\u{85}\u{2027}\"}", "{@,\"\\u2028\":\"\u{85}\u{2027}\"}"),
    ("{@,\n\"a\":\"\\\\\",\n\"b\":1}", "{@,\"a\":\"\\\\\",\"b\":1}"),
    ("{@,\"a\":123456789012345678901234567890,\"a\":1e999}", "{@,\"a\":123456789012345678901234567890,\"a\":1e999}"),
    ("{@,\"a\":\"\\u0000\"}", "{@,\"a\":\"\\u0000\"}"),
  ])
  func fourThingsChange(_ body: String, _ expected: String) throws {
    let members = "\"model\":\"gpt-4o-mini\",\"messages\":[]"
    let request = try decode(body.replacing("@", with: members))
    #expect(request.body.text == expected.replacing("@", with: members))
    #expect(request.body.modelText == "\"gpt-4o-mini\"")
    let nested = try decode("{\"body\":\(body.replacing("@", with: members))}")
    #expect(nested.body == request.body)
    #expect(nested.bodyHash == request.bodyHash)
  }

  @Test func hashIsOfWhatCameAndOfTheEndpoint() throws {
    let streamed = "{\"stream\":true," + Fixtures.chat.dropFirst()
    #expect(try decode(streamed).bodyHash != (try decode(Fixtures.chat)).bodyHash)
    let other = try decode(Fixtures.chat, headers: ["x-endpoint": .string("/v1/responses")])
    #expect(other.bodyHash != (try decode(Fixtures.chat)).bodyHash)
  }

  @Test func modelNameMayBeEscaped() throws {
    let request = try decode("{\"\\u006dodel\":\"gpt\\u002d4o-mini\",\"messages\":[]}")
    #expect(request.model == "gpt-4o-mini")
    #expect(request.body.modelText == "\"gpt\\u002d4o-mini\"")
  }

  @Test(
    arguments: [
      ("{\"model\":\"text-embedding-3-small\",\"input\":\"x\"}", nil, Endpoint.embeddings),
      ("{\"model\":\"gpt-5\",\"input\":[]}", nil, .responses),
      ("{\"model\":\"gpt-5\",\"input\":[],\"messages\":[]}", nil, .chatCompletions),
      ("{\"model\":\"unclear\",\"input\":[]}", "/v1/embeddings", .embeddings),
      ("{\"model\":\"gpt-5\"}", "/responses", .responses),
      ("{\"body\":{\"model\":\"gpt-5\"},\"url\":\"/embeddings\"}", nil, .embeddings),
      ("{\"body\":{\"model\":\"gpt-5\"},\"url\":\"/embeddings\"}", "/v1/embeddings", .embeddings),
    ] as [(String, String?, Endpoint)])
  func endpointIsFound(_ body: String, _ header: String?, _ endpoint: Endpoint) throws {
    #expect(try decode(body, headers: header.map { ["x-endpoint": .string($0)] }).endpoint == endpoint)
  }

  @Test(arguments: [
    ("", FailureCode.invalidJSON, "empty"), (" \n", .invalidJSON, "unexpected end at byte 2"),
    ("{", .invalidJSON, "byte 1"), ("{}x", .invalidJSON, "byte 2"),
    ("{\"model\":\"gpt-4o-mini\",\"messages\":[\"\\ud800\"]}", .invalidJSON, "surrogate"),
    ("\u{0}{}", .invalidJSON, "0x00"),
    ("[]", .invalidRequest, "object"), ("null", .invalidRequest, "object"), ("{}", .invalidRequest, "model is missing"),
    ("{\"model\":null}", .invalidRequest, "missing"),
    ("{\"model\":\"\",\"messages\":[]}", .invalidRequest, "model: got a string of 0 bytes"),
    ("{\"model\":5,\"messages\":[]}", .invalidRequest, "number '5'"),
    ("{\"model\":\"nope\",\"messages\":[]}", .unknownModel, "'nope'"),
    ("{\"model\":\"nope\",\"input\":[]}", .unknownModel, "'nope'"),
    ("{\"model\":\"gpt-4o-mini\"}", .invalidRequest, "x-endpoint"),
    ("{\"model\":\"unclear\",\"input\":\"\"}", .invalidRequest, "x-endpoint"),
    (
      "{\"model\":\"gpt-4o-mini\",\"model\":\"gpt-5\",\"messages\":[]}", .invalidRequest,
      "model is given more than once"
    ),
    (
      "{\"model\":\"gpt-4o-mini\",\"messages\":[],\"mess\\u0061ges\":[]}", .invalidRequest,
      "messages is given more than once"
    ),
    ("{\"body\":{\"model\":\"gpt-5\",\"messages\":[]},\"method\":\"GET\"}", .invalidRequest, "method"),
    ("{\"body\":{\"model\":\"gpt-5\",\"messages\":[]},\"method\":1}", .invalidRequest, "method"),
    ("{\"body\":{\"model\":\"gpt-5\",\"messages\":[]},\"url\":\"/v1/files\"}", .unsupportedEndpoint, "'/v1/files'"),
    ("{\"body\":{\"model\":\"gpt-5\",\"messages\":[]},\"url\":7}", .invalidRequest, "url"),
    ("{\"body\":{\"model\":\"gpt-5\",\"messages\":[]},\"body\":{}}", .invalidRequest, "body is given more than once"),
    ("{\"body\":\"text\"}", .invalidRequest, "model is missing"),
    ("{\"id\":\"a\",\"id\":\"b\",\"model\":\"gpt-5\",\"messages\":[]}", .invalidRequest, "id is given more than once"),
    ("{\"maxTokens\":0,\"model\":\"gpt-5\",\"messages\":[]}", .invalidRequest, "maxTokens"),
    ("{\"maxTokens\":1.5,\"model\":\"gpt-5\",\"messages\":[]}", .invalidRequest, "maxTokens"),
    ("{\"maxTokens\":\"5\",\"model\":\"gpt-5\",\"messages\":[]}", .invalidRequest, "maxTokens"),
    ("{\"maxTokens\":5,\"max_tokens\":5,\"model\":\"gpt-5\",\"messages\":[]}", .invalidRequest, "max_tokens"),
    ("{\"maxTokens\":5,\"model\":\"text-embedding-3-small\",\"input\":\"x\"}", .invalidRequest, "maxTokens"),
    ("{\"callbackUrl\":\"ftp://x/\",\"model\":\"gpt-5\",\"messages\":[]}", .invalidRequest, "callbackUrl"),
    ("{\"callbackUrl\":5,\"model\":\"gpt-5\",\"messages\":[]}", .invalidRequest, "callbackUrl"),
  ])
  func poisonSaysWhy(_ body: String, _ code: FailureCode, _ part: String) throws {
    let failure = try #require(self.failure(body))
    #expect(failure.code == code)
    #expect(failure.message.contains(part), "\(failure.message)")
    #expect(failure.code.isPoison)
  }

  @Test func depthIsBounded() {
    let deep = String(repeating: "[", count: 63) + String(repeating: "]", count: 63)
    #expect(failure("{\"model\":\"gpt-5\",\"messages\":\(deep)}") == nil)
    #expect(failure("{\"model\":\"gpt-5\",\"messages\":[\(deep)]}")?.code == .invalidJSON)
  }

  @Test func aLongModelNameIsRefused() {
    #expect(failure("{\"model\":\"\(String(repeating: "m", count: 256))\",\"messages\":[]}")?.code == .invalidRequest)
  }
}
