import BatchCore
import Testing

@testable import Wire

@Suite(.timeLimit(.minutes(4)))
struct PromptReaderTests {
  private func read(_ body: String, _ endpoint: Endpoint = .chatCompletions) throws -> PromptContent {
    PromptReader.read(try JSONSlice.parse(Array(body.utf8)), endpoint: endpoint)
  }

  private func texts(_ prompt: PromptContent) -> [String] {
    var texts: [String] = []
    prompt.forEachText { texts.append(String(decoding: $0, as: UTF8.self)) }
    return texts
  }

  @Test func chatHasItsTextsUnescaped() throws {
    let prompt = try read(
      #"{"model":"m","user":"not counted","messages":[{"role":"system","content":"a\n\u00e9\ud83d\ude00"},{"role":"user","name":"kim","content":[{"type":"text","text":"hello"},{"type":"text","text":"\ud800"}]},{"role":"assistant","content":null,"tool_calls":[{"id":"x","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}}]}]}"#
    )
    #expect(texts(prompt) == ["system", "a\né😀", "user", "kim", "hello", "\u{fffd}", "assistant", "f", #"{"a":1}"#])
    #expect((prompt.messages, prompt.names, prompt.toolCalls) == (3, 1, 1))
  }

  @Test func toolsAreCountedByTheirParts() throws {
    let prompt = try read(
      #"{"messages":[],"tools":[{"type":"function","function":{"name":"get_weather","description":"Of a city.","parameters":{"type":"object","properties":{"city":{"type":"string","description":"Its name."},"unit":{"type":"string","enum":["C","F"]},"at":{"type":"object","properties":{"day":{"type":"string"}}}}}}}]}"#
    )
    #expect(
      texts(prompt) == [
        "get_weather:Of a city", "city:string:Its name", "unit:string:", "C", "F", "at:object:", "day:string:",
      ])
    #expect(prompt.tools.functions == 1)
    #expect((prompt.tools.objects, prompt.tools.properties, prompt.tools.enums, prompt.tools.enumItems) == (2, 4, 1, 2))
  }

  @Test func aSchemaForTheAnswerIsText() throws {
    let prompt = try read(
      #"{"messages":[],"response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{ "type": "object",  "title" : "a \" b" , "required":[ 1 ] } }}}"#
    )
    // However it was laid out.
    #expect(texts(prompt) == ["n", #"{"type":"object","title":"a \" b","required":[1]}"#])
    let format = try read(#"{"input":[],"text":{"format":{"type":"json_schema","name":"n","schema":{}}}}"#, .responses)
    #expect(texts(format) == ["n", "{}"])
  }

  @Test func responsesHaveInstructionsAndItems() throws {
    let prompt = try read(
      #"{"instructions":"be brief","input":[{"role":"user","content":"hi"},{"type":"function_call","name":"f","arguments":"{}"},{"type":"function_call_output","output":"7"},{"role":"user","content":[{"type":"input_text","text":"and"},{"type":"input_image","detail":"low","image_url":"https://x.test/a.png"}]}]}"#,
      .responses)
    #expect(texts(prompt) == ["be brief", "user", "hi", "f", "{}", "7", "user", "and"])
    #expect((prompt.messages, prompt.toolCalls) == (4, 1))
    #expect(prompt.images == [PromptImage(isLowDetail: true, size: nil)])
    #expect(texts(try read(#"{"input":"hi"}"#, .responses)) == ["hi"])
  }

  @Test(arguments: [
    (#""ab\n""#, ["ab\n"], 0), (#"["a","b"]"#, ["a", "b"], 0), ("[1,2,3]", [], 3), ("[[1,2],[3]]", [], 3),
  ])
  func embeddingsHaveTextsOrIDs(input: String, expected: [String], ids: Int) throws {
    let prompt = try read(#"{"input":\#(input)}"#, .embeddings)
    #expect(texts(prompt) == expected)
    #expect(prompt.tokenIDs == ids)
    #expect(prompt.messages == 0)
  }

  @Test func anImageSaysItsSize() throws {
    var png: [UInt8] = [0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10, 0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52]
    png += [0, 0, 4, 0, 0, 0, 3, 0, 8, 6, 0, 0, 0]
    let url = "data:image\\/png;base64," + String(decoding: Base64.encode(png), as: UTF8.self)
    let prompt = try read(
      #"{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"\#(url)","detail":"high"}}]}]}"#)
    #expect(prompt.images == [PromptImage(isLowDetail: false, size: ImageSize(width: 1024, height: 768))])
    #expect(texts(prompt) == ["user"])
  }

  @Test(arguments: [
    #"{}"#, #"{"messages":7,"tools":"x","response_format":[]}"#,
    #"{"messages":[1,[],{"content":{"a":1}}],"tools":[{}]}"#,
    #"{"messages":[{"content":[{"image_url":5},{"image_url":{"url":"data:image/png;base64,AAAA"}}]}]}"#,
    #"{"tools":[{"function":{"parameters":{"properties":[1],"items":2}}}],"text":[]}"#,
  ])
  func whatHasAnotherFormIsLeftOut(body: String) throws {
    for endpoint in Endpoint.allCases { _ = try read(body, endpoint) }
  }
}
