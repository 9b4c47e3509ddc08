import BatchCore
import Testing
import Wire

@testable import ProviderSimulator

@Suite(.timeLimit(.minutes(4)))
struct ModelRequestTests {
  private func read(
    _ body: String, _ endpoint: Endpoint = .chatCompletions, counting: TokenCounting = .bytes
  ) throws -> ModelRequest {
    try ModelRequest(endpoint: endpoint, body: JSONSlice.parse(Array(body.utf8)), counting: counting)
  }

  @Test func chat() throws {
    let request = try read(
      """
      {"model":"gpt-4o","n":2,"max_tokens":7,"messages":[{"role":"system","content":"12345"},
      {"role":"user","content":[{"type":"text","text":"ab"},{"type":"image_url","image_url":{"url":"u"}},
      {"type":"text","text":"c"}]},{"role":"assistant","content":null}]}
      """)
    #expect(request.model == "gpt-4o")
    #expect(request.lastUserText == Array("ab\nc".utf8))
    // (2 + 3) + (1 + 85 + 3) + (0 + 3)
    #expect(request.inputTokens == 97)
    #expect(request.choices == 2)
    #expect(request.maximumOutputTokens == 7)
  }

  @Test func onlyThePromptIsHashed() throws {
    let one = try read(#"{"model":"a","messages":[{"role":"user","content":"x"}]}"#)
    let two = try read(#"{"messages": [ {"role":"user","content":"\u0078"} ],"model":"b","temperature":0}"#)
    let other = try read(#"{"model":"a","messages":[{"role":"user","content":"y"}]}"#)
    #expect(one.promptDigest == two.promptDigest)
    #expect(one.promptHash != other.promptHash)
  }

  @Test func responses() throws {
    let text = try read(#"{"model":"m","input":"hello","instructions":"be kind"}"#, .responses)
    #expect(text.lastUserText == Array("hello".utf8))
    #expect(text.inputTokens == (2 + 3) + (2 + 3))
    let items = try read(
      #"{"model":"m","input":[{"role":"user","content":[{"type":"input_text","text":"in"}]}]}"#, .responses)
    #expect(items.lastUserText == Array("in".utf8))
  }

  @Test func embeddings() throws {
    let many = try read(#"{"model":"m","input":["abcde",[1,2,3]],"dimensions":5}"#, .embeddings)
    #expect(many.embedding.inputs == [Array("abcde".utf8), Array("[1,2,3]".utf8)])
    #expect(many.inputTokens == 5)
    #expect(many.embedding.dimensions == 5)
    // 300,000 tokens over all inputs.
    func ids(_ inputs: Int) -> String {
      let input = "[" + Array(repeating: "7", count: 7500).joined(separator: ",") + "]"
      return #"{"model":"m","input":[\#(Array(repeating: input, count: inputs).joined(separator: ","))]}"#
    }
    #expect(try read(ids(40), .embeddings).inputTokens == 300_000)
    #expect(throws: APIError.self) { try read(ids(41), .embeddings) }
    let tokens = try read(#"{"model":"m","input":[1,2,3]}"#, .embeddings)
    #expect(tokens.embedding.inputs == [Array("[1,2,3]".utf8)])
  }

  @Test(
    arguments: [
      (#"[]"#, nil, nil), (#"{"messages":[]}"#, "model", "missing_required_parameter"),
      (#"{"model":"m"}"#, "messages", "missing_required_parameter"),
      (#"{"model":"m","messages":[]}"#, "messages", "empty_array"),
      (#"{"model":"m","messages":"x"}"#, "messages", "invalid_type"),
      (#"{"model":"m","messages":[1]}"#, "messages[0]", "invalid_type"),
      (#"{"model":"m","messages":[{"content":"x"}]}"#, "messages[0].role", "missing_required_parameter"),
      (#"{"model":"missing-m","messages":[{"role":"user"}]}"#, nil, "model_not_found"),
      (#"{"model":"m","messages":[{"role":"user"}],"stream":true}"#, "stream", "unsupported_value"),
      (#"{"model":"m","messages":[{"role":"user"}],"n":0}"#, "n", "integer_below_min_value"),
      (#"{"model":"m","messages":[{"role":"user"}],"n":"1"}"#, "n", "invalid_type"),
      (#"{"model":7,"messages":[{"role":"user"}]}"#, "model", "invalid_type"),
    ] as [(String, String?, String?)])
  func refusals(body: String, param: String?, code: String?) {
    let error = #expect(throws: APIError.self) { try read(body) }
    #expect(error?.param == param)
    #expect(error?.code == code)
  }

  @Test func answersFollowTheRule() throws {
    var request = try read(#"{"model":"m","messages":[{"role":"user","content":"hi\nthere"}]}"#)
    let digest = String(decoding: Bytes.hex(Bytes.sha256(Array("hi\nthere".utf8)).prefix(8)), as: UTF8.self)
    #expect(String(decoding: Completion(for: request).text, as: UTF8.self) == "echo \(digest) hi there")
    #expect(String(decoding: Completion(for: request, choice: 1).text, as: UTF8.self) == "echo \(digest) hi there #1")
    request.directives.outputTokens = 50
    #expect(Completion(for: request).tokens == 50)
    request.maximumOutputTokens = 9
    let short = Completion(for: request)
    #expect(short.tokens == 9 && short.isTruncated && short.text.count == 36)
  }

  @Test func answersAreJSON() throws {
    let bodies: [(Endpoint, String)] = [
      (.chatCompletions, #"{"model":"m","messages":[{"role":"user","content":"\u0000\"\ud800"}],"n":2}"#),
      (.responses, #"{"model":"m","input":"x","max_output_tokens":1}"#),
      (.embeddings, #"{"model":"m","input":["a","b"],"encoding_format":"base64"}"#),
      (.embeddings, #"{"model":"m","input":"a"}"#),
    ]
    for (endpoint, body) in bodies {
      let answer = ModelAnswer(to: try read(body, endpoint), id: "I", created: 1, defaultDimensions: 3)
      let json = try JSONSlice.parse(answer.body)
      let usage = try #require(json["usage"])
      #expect(usage["total_tokens"]?.int64 == Int64(answer.inputTokens + answer.outputTokens))
    }
  }

  @Test func vectorsAreTheSameInBothFormats() {
    let vector = EmbeddingVector(of: Array("text".utf8), dimensions: 40)
    let numbers = String(decoding: vector.json, as: UTF8.self).dropFirst().dropLast().split(separator: ",")
    #expect(numbers.count == 40)
    #expect(numbers.allSatisfy { abs(Float($0) ?? 9) <= 1 })
    let bytes = numbers.flatMap { number in
      withUnsafeBytes(of: (Float(number) ?? .nan).bitPattern.littleEndian) { Array($0) }
    }
    #expect(vector.base64 == Base64.encode(bytes))
    #expect(EmbeddingVector(of: Array("other".utf8), dimensions: 40).json != vector.json)
  }

  @Test(
    arguments: [
      ("gpt-4o-mini", 150_000, 600_000), ("gpt-4o-mini-2024-07-18", 150_000, 600_000),
      ("gpt-4o-2024-08-06", 2_500_000, 10_000_000), ("text-embedding-3-small", 20_000, 0),
      ("something-else", 1_000_000, 4_000_000),
    ] as [(String, Int64, Int64)])
  func prices(model: String, input: Int64, output: Int64) {
    let price = ModelPrice.of(model)
    #expect((price.input, price.output) == (input, output))
    #expect(price.cost(inputTokens: 3, outputTokens: 5, isBatch: false).value == 3 * input + 5 * output)
    #expect(price.cost(inputTokens: 3, outputTokens: 5, isBatch: true).value == (3 * input + 5 * output) / 2)
  }
}
