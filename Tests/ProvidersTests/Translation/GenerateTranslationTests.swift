import BatchCore
import Testing
import Wire

@testable import Providers

@Suite struct GenerateTranslationTests {
  private func translate(_ chat: String, model: String = "gemini-3.8-flash") throws(ChatRefusal) -> [UInt8] {
    try GenerateTranslation().body(of: Array(chat.utf8), model: model)
  }

  private func expect(_ chat: String, _ wanted: String, _ place: SourceLocation = #_sourceLocation) throws {
    let found = try translate(chat)
    #expect(try sameJSON(found, wanted), "\(String(decoding: found, as: UTF8.self))", sourceLocation: place)
  }

  @Test func everythingThatHasACounterpart() throws {
    try expect(
      #"""
      {"model":"g","messages":[
        {"role":"system","content":"Be \u00e4 kind."},{"role":"developer","content":[{"type":"text","text":"And brief."}]},
        {"role":"user","content":[{"type":"text","text":"See"},
          {"type":"image_url","image_url":{"url":"https://a.test/x.JPG?v=1.2","detail":"auto"}},
          {"type":"image_url","image_url":{"url":"https://a.test/image"}},
          {"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}}]},
        {"role":"assistant","content":"","tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{\"a\":\n1}"}},
                                                      {"id":"c2","type":"function","function":{"name":"g","arguments":""}}]},
        {"role":"tool","tool_call_id":"c1","content":"7"},
        {"role":"tool","tool_call_id":"c2","content":[{"type":"text","text":"8"},{"type":"text","text":"9"}]},
        {"role":"user","content":"go on"},{"role":"assistant","content":"gone"},{"role":"user","content":"and on"}],
       "tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object"}}},
                {"type":"function","function":{"name":"g"}}],
       "tool_choice":{"type":"function","function":{"name":"f"}},"parallel_tool_calls":true,"stop":["a","b"],
       "temperature":1.50,"top_p":0.9,"max_completion_tokens":7,"reasoning_effort":"high","n":1,
       "stream":false,"logprobs":null,"presence_penalty":0,"response_format":
         {"type":"json_schema","json_schema":{"name":"s","strict":true,"schema":{"type":"object","x":[1.50]}}}}
      """#,
      #"""
      {"systemInstruction":{"parts":[{"text":"Be ä kind."},{"text":"And brief."}]},
       "contents":[
        {"role":"user","parts":[{"text":"See"},{"fileData":{"mimeType":"image/jpeg","fileUri":"https://a.test/x.JPG?v=1.2"}},
          {"fileData":{"fileUri":"https://a.test/image"}},{"inlineData":{"mimeType":"image/png","data":"AAAA"}}]},
        {"role":"model","parts":[{"functionCall":{"id":"c1","name":"f","args":{"a":1}}},{"functionCall":{"id":"c2","name":"g","args":{}}}]},
        {"role":"user","parts":[{"functionResponse":{"id":"c1","name":"f","response":{"output":"7"}}},
          {"functionResponse":{"id":"c2","name":"g","response":{"output":["8","9"]}}}]},
        {"role":"user","parts":[{"text":"go on"}]},{"role":"model","parts":[{"text":"gone"}]},
        {"role":"user","parts":[{"text":"and on"}]}],
       "tools":[{"functionDeclarations":[{"name":"f","description":"d","parametersJsonSchema":{"type":"object"}},{"name":"g"}]}],
       "toolConfig":{"functionCallingConfig":{"mode":"ANY","allowedFunctionNames":["f"]}},
       "generationConfig":{"maxOutputTokens":7,"temperature":1.5,"topP":0.9,"stopSequences":["a","b"],
         "responseMimeType":"application/json","responseJsonSchema":{"type":"object","x":[1.5]},
         "thinkingConfig":{"thinkingLevel":"high"}}}
      """#)
    try expect(
      #"{"messages":[{"role":"user","content":"hi"}],"model":"m"}"#,
      #"{"contents":[{"role":"user","parts":[{"text":"hi"}]}]}"#)
  }

  @Test(arguments: [
    ("auto", false, "AUTO"), ("none", false, "NONE"), ("required", false, "ANY"), ("auto", true, "VALIDATED"),
    ("required", true, "ANY"),
  ])
  func toolChoices(_ given: String, _ isStrict: Bool, _ wanted: String) throws {
    let tool = #""tools":[{"type":"function","function":{"name":"g","strict":\#(isStrict)}}]"#
    let found = try translate(
      #"{"messages":[{"role":"user","content":"hi"}],"model":"m","tool_choice":"\#(given)",\#(tool)}"#)
    #expect(try JSONSlice.parse(found)["toolConfig"]?["functionCallingConfig"]?["mode"]?.string == wanted)
  }

  @Test(arguments: [
    ("none", "gemini-3.8-flash", #"{"thinkingBudget":0}"#),
    ("minimal", "gemini-3.8-flash", #"{"thinkingLevel":"minimal"}"#),
    ("low", "gemini-2.5-pro", #"{"thinkingBudget":1024}"#),
    ("medium", "models/gemini-2.5-flash", #"{"thinkingBudget":8192}"#),
    ("high", "gemini-4-argon", #"{"thinkingLevel":"high"}"#),
  ])
  func efforts(_ effort: String, _ model: String, _ wanted: String) throws {
    let found = try translate(
      #"{"messages":[{"role":"user","content":"hi"}],"model":"m","reasoning_effort":"\#(effort)"}"#, model: model)
    let config = try #require(try JSONSlice.parse(found)["generationConfig"]?["thinkingConfig"])
    #expect(try sameJSON(Array(config.raw), wanted))
  }

  /// The name of what is refused, and the member that is added to a body that would be taken.
  @Test(arguments: [
    ("seed", #""seed":1"#), ("n", #""n":2"#), ("user", #""user":"u""#), ("user", #""safety_identifier":"u""#),
    ("reasoning_effort", #""reasoning_effort":"xhigh""#), ("temperature", #""temperature":2.5"#),
    ("parallel_tool_calls", #""tools":[{"type":"function","function":{"name":"g"}}],"parallel_tool_calls":false"#),
    ("response_format.type", #""response_format":{"type":"json_object"}"#), ("brand_new", #""brand_new":1"#),
  ])
  func refused(_ field: String, _ member: String) {
    #expect(throws: ChatRefusal.self) {
      try translate(#"{"model":"m","messages":[{"role":"user","content":"hi"}],\#(member)}"#)
    }
    let refusal = refusal(of: #"{"model":"m","messages":[{"role":"user","content":"hi"}],\#(member)}"#)
    #expect(refusal?.field == field)
  }

  @Test func refusedMessages() {
    func messages(_ text: String) -> String { #"{"model":"m","messages":[{"role":"user","content":"hi"},\#(text)]}"# }
    let call =
      #"{"role":"assistant","tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}]}"#
    let image = #"[{"type":"image_url","image_url":{"url":"https://a.test/x.png"}}]"#
    #expect(refusal(of: messages(#"{"role":"tool","tool_call_id":"c","content":"x"}"#))?.field == "tool_call_id")
    #expect(
      refusal(of: messages(#"\#(call),{"role":"tool","tool_call_id":"c","content":\#(image)}"#))?.field
        == "tool_call_id")
    #expect(refusal(of: messages(#"\#(call),{"role":"tool","tool_call_id":"c","content":"x"}"#)) == nil)
    let gif = image.replacing("https://a.test/x.png", with: "data:image/gif;base64,AAAA")
    #expect(refusal(of: messages(#"{"role":"user","content":\#(gif)}"#))?.field == "image_url.url")
  }

  private func refusal(of chat: String) -> ChatRefusal? {
    do throws(ChatRefusal) {
      _ = try translate(chat)
      return nil
    } catch {
      return error
    }
  }

  private func answer(_ text: String) throws -> JSONSlice {
    try JSONSlice.parse(GenerateTranslation().answer(Array(text.utf8), isSuccess: true, created: 9))
  }

  @Test func answers() throws {
    let found = try answer(
      #"""
      {"candidates":[{"content":{"role":"model","parts":[{"text":"hm","thought":true},{"text":"Hel"},{"text":"lo"},
        {"functionCall":{"name":"f","args":{"a":[1.50]}}},{"functionCall":{"id":"own","name":"g"}},{"brandNew":1}]},
        "finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":9,"cachedContentTokenCount":4,"candidatesTokenCount":5,
        "thoughtsTokenCount":7},"modelVersion":"gemini-3.8-flash","responseId":"r9"}
      """#)
    #expect(
      try sameJSON(
        Array(found.raw),
        #"""
        {"id":"r9","object":"chat.completion","created":9,"model":"gemini-3.8-flash","choices":[{"index":0,
         "message":{"role":"assistant","content":"Hello","refusal":null,"reasoning_content":"hm","tool_calls":[
          {"id":"call_r9_0","type":"function","function":{"name":"f","arguments":"{\"a\":[1.50]}"}},
          {"id":"own","type":"function","function":{"name":"g","arguments":"{}"}}]},
         "logprobs":null,"finish_reason":"tool_calls"}],
         "usage":{"prompt_tokens":9,"completion_tokens":12,"total_tokens":21,
          "prompt_tokens_details":{"cached_tokens":4,"cache_write_tokens":0},
          "completion_tokens_details":{"reasoning_tokens":7}}}
        """#), "\(String(decoding: found.raw, as: UTF8.self))")
  }

  /// What a thinking model gives with a call it wants back, and other providers have no place for it.
  @Test func signatures() throws {
    let part = #"{"functionCall":{"id":"c","name":"f","args":{}},"thoughtSignature":"c2ln"}"#
    let found = try answer(#"{"candidates":[{"content":{"parts":[\#(part)]},"finishReason":"STOP"}]}"#)
    let message = try #require(found["choices"]?.elements.first { _ in true }?["message"])
    let call = message["tool_calls"]?.elements.first { _ in true }
    #expect(call?["extra_content"]?["google"]?["thought_signature"]?.string == "c2ln")
    let chat =
      #"{"model":"m","messages":[{"role":"user","content":"hi"},{"role":"assistant","tool_calls":"#
      + String(decoding: try #require(message["tool_calls"]).raw, as: UTF8.self) + "}]}"
    let again = try JSONSlice.parse(try translate(chat))["contents"]?.elements.map { $0 }.last?["parts"]
    #expect(try sameJSON(try #require(again).raw.map { $0 }, "[\(part)]"))
    #expect(throws: ChatRefusal("tool_calls.extra_content", "has no counterpart at this provider")) {
      try MessageTranslation().body(of: Array(chat.utf8), model: "claude-x")
    }
    let other = chat.replacing("thought_signature", with: "other")
    #expect(refusal(of: other)?.field == "messages[1].tool_calls[0].extra_content.google.other")
  }

  @Test(arguments: [
    ("STOP", "stop"), ("MAX_TOKENS", "length"), ("SAFETY", "content_filter"), ("PROHIBITED_CONTENT", "content_filter"),
    ("MALFORMED_FUNCTION_CALL", "stop"), ("BRAND_NEW", "stop"),
  ])
  func finishes(_ reason: String, _ wanted: String) throws {
    let found = try answer(#"{"candidates":[{"finishReason":"\#(reason)"}]}"#)
    let choice = found["choices"]?.elements.first { _ in true }
    #expect(choice?["finish_reason"]?.string == wanted)
    #expect(choice?["message"]?["content"]?.string == "")
  }

  @Test func whatIsNoAnswerStaysAsItIs() throws {
    #expect(try answer(#"{"anything":1}"#)["anything"]?.int64 == 1)
    let blocked = try answer(#"{"promptFeedback":{"blockReason":"SAFETY"}}"#)
    #expect(blocked["choices"]?.elements.first { _ in true }?["finish_reason"]?.string == "content_filter")
    let refused = GenerateTranslation()
      .answer(
        Array(#"{"error":{"code":400,"message":"m","status":"INVALID_ARGUMENT"}}"#.utf8), isSuccess: false, created: 0)
    #expect(
      try sameJSON(refused, #"{"error":{"message":"m","type":"INVALID_ARGUMENT","param":null,"code":null}}"#))
  }

  @Test func objectionsNameTheMember() {
    let provider = makeGemini(ScriptedHTTP())
    let body = makeBody(#"{"model":"m","seed":1,"messages":[{"role":"user","content":"hi"}]}"#, model: "m")
    #expect(provider.objection(to: body, endpoint: .chatCompletions) == "seed: has no counterpart at this provider")
    #expect(provider.objection(to: body, endpoint: .generateContent) == nil)
  }
}
