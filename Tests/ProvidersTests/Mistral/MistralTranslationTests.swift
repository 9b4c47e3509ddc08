import BatchCore
import Foundation
import Testing
import Wire

@testable import Providers

@Suite struct MistralTranslationTests {
  private func translate(_ chat: String, model: String? = "mistral-x") throws(ChatRefusal) -> [UInt8] {
    try MistralTranslation().body(of: Array(chat.utf8), model: model)
  }

  @Test func everythingThatHasACounterpart() throws {
    let found = try translate(
      #"""
      {"model":"m","messages":[
        {"role":"developer","content":"Be \u00e4 kind."},{"role":"system","content":[{"type":"text","text":"Brief."}]},
        {"role":"user","content":[{"type":"text","text":"See"},
          {"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA","detail":"low"}}]},
        {"role":"assistant","content":null,"refusal":null,"tool_calls":[
          {"id":"call_1","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}},
          {"id":"abcDEF123","function":{"name":"g","arguments":""}}]},
        {"role":"tool","tool_call_id":"call_1","content":"7"},{"role":"tool","tool_call_id":"abcDEF123","content":"8"},
        {"role":"system","content":"later"},{"role":"user","content":"go on","name":null}],
       "tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object"},"strict":true}},
                {"type":"function","function":{"name":"g","description":"d"}}],
       "tool_choice":"required","parallel_tool_calls":false,"stop":["a","b"],"temperature":1.50,"top_p":0.9,"n":2,
       "max_completion_tokens":7,"seed":3,"presence_penalty":0.5,"frequency_penalty":-1,"reasoning_effort":"high",
       "logprobs":true,"top_logprobs":2,"metadata":{"a":"b"},"prompt_cache_key":"k","service_tier":"default",
       "prediction":{"type":"content","content":"p"},"stream":false,"store":false,"logit_bias":{},"modalities":["text"],
       "response_format":{"type":"json_schema","json_schema":{"name":"s","strict":true,"schema":{"x":[1.50]}}}}
      """#)
    let id = MistralCallID.id(for: "call_1")
    let wanted = #"""
      {"model":"mistral-x","messages":[
        {"role":"system","content":"Be ä kind."},{"role":"system","content":[{"type":"text","text":"Brief."}]},
        {"role":"user","content":[{"type":"text","text":"See"},
          {"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA","detail":"low"}}]},
        {"role":"assistant","tool_calls":[
          {"id":"\#(id)","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}},
          {"id":"abcDEF123","type":"function","function":{"name":"g","arguments":"{}"}}]},
        {"role":"tool","tool_call_id":"\#(id)","content":"7"},{"role":"tool","tool_call_id":"abcDEF123","content":"8"},
        {"role":"system","content":"later"},{"role":"user","content":"go on"}],
       "tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object"},"strict":true}},
                {"type":"function","function":{"name":"g","description":"d","parameters":{"type":"object","properties":{}}}}],
       "tool_choice":"any","parallel_tool_calls":false,"stop":["a","b"],"temperature":1.5,"top_p":0.9,"n":2,
       "max_tokens":7,"random_seed":3,"presence_penalty":0.5,"frequency_penalty":-1,"reasoning_effort":"high",
       "logprobs":true,"top_logprobs":2,"metadata":{"a":"b"},"prompt_cache_key":"k","service_tier":"standard_only",
       "prediction":{"type":"content","content":"p"},
       "response_format":{"type":"json_schema","json_schema":{"name":"s","strict":true,"schema":{"x":[1.5]}}}}
      """#
    #expect(try sameJSON(found, wanted), "\(String(decoding: found, as: UTF8.self))")
    // In a job's line no model is named.
    #expect(
      String(
        decoding: try translate(#"{"messages":[{"role":"user","content":"hi"}],"model":"m"}"#, model: nil),
        as: UTF8.self)
        == #"{"messages":[{"role":"user","content":"hi"}]}"#)
  }

  @Test(arguments: ["call_0fypS1hVX", "1", "abc-DEF12", "abcDEF1234", "grüße", "\u{0}", ""])
  func idsOfCalls(_ given: String) {
    let id = MistralCallID.id(for: given)
    #expect(
      id.utf8.count == 9
        && id.utf8.allSatisfy { UnicodeScalar($0).properties.isAlphabetic || (0x30...0x39).contains($0) })
    #expect(id == MistralCallID.id(for: given))
    #expect(MistralCallID.id(for: id) == id)
    #expect(id != MistralCallID.id(for: given + "x"))
  }

  @Test(arguments: [
    ("\"auto\"", "auto"), ("\"none\"", "none"), ("\"required\"", "any"),
    (#"{"type":"function","function":{"name":"f"}}"#, nil),
  ])
  func toolChoices(_ given: String, _ wanted: String?) throws {
    let found = try JSONSlice.parse(
      try translate(#"{"messages":[{"role":"user","content":"hi"}],"model":"m","tool_choice":\#(given)}"#))
    #expect(found["tool_choice"]?.string == wanted)
    if wanted == nil { #expect(found["tool_choice"]?["function"]?["name"]?.string == "f") }
  }

  /// The name of what is refused, and the member that is added to a body that would be taken.
  static let refused: [(String, String)] = [
    ("user", #""user":"u""#), ("safety_identifier", #""safety_identifier":"u""#), ("store", #""store":true"#),
    ("stream", #""stream":true"#), ("logit_bias", #""logit_bias":{"1":2}"#), ("audio", #""audio":{}"#),
    ("modalities", #""modalities":["text","audio"]"#), ("web_search_options", #""web_search_options":{}"#),
    ("functions", #""functions":[]"#), ("function_call", #""function_call":"auto""#),
    ("verbosity", #""verbosity":"low""#),
    ("service_tier", #""service_tier":"flex""#), ("random_seed", #""random_seed":1"#),
    ("safe_prompt", #""safe_prompt":true"#),
    ("brand_new", #""brand_new":1"#), ("seed", #""seed":-1"#), ("seed", #""seed":1.5"#),
    ("temperature", #""temperature":1.6"#),
    ("temperature", #""temperature":"warm""#), ("max_tokens", #""max_tokens":0"#),
    ("max_completion_tokens", #""max_tokens":1,"max_completion_tokens":1"#), ("top_p", #""top_p":1,"top_p":1"#),
    ("reasoning_effort", #""reasoning_effort":"utmost""#),
    ("prediction.content", #""prediction":{"type":"content","content":[]}"#),
    ("tools", #""tools":{}"#), ("tools[0].type", #""tools":[{"type":"custom","custom":{}}]"#),
    ("tool_choice", #""tool_choice":"any""#), ("tool_choice", #""tool_choice":{"type":"allowed_tools"}"#),
    ("response_format.type", #""response_format":{"type":"grammar"}"#),
    ("response_format.json_schema", #""response_format":{"type":"json_schema"}"#),
    ("response_format.json_schema.schema", #""response_format":{"type":"json_schema","json_schema":{"name":"x"}}"#),
    ("response_format.json_schema.x", #""response_format":{"type":"json_schema","json_schema":{"x":1,"schema":{}}}"#),
  ]

  @Test(arguments: refused) func whatHasNoCounterpart(_ field: String, _ member: String) {
    let error = #expect(throws: ChatRefusal.self) {
      try translate(#"{"model":"m","messages":[{"role":"user","content":"hi"}],\#(member)}"#)
    }
    #expect(error?.field == field)
  }

  static let refusedMessages: [(String, String)] = [
    ("messages[0].role", #"{"content":"x"}"#), ("messages[0].role", #"{"role":"function","content":"x"}"#),
    ("messages[0].name", #"{"role":"user","content":"x","name":"n"}"#), ("messages[0].content", #"{"role":"user"}"#),
    ("messages[0].content[0].type", #"{"role":"user","content":[{"type":"input_audio","input_audio":{}}]}"#),
    ("messages[0].content[0].type", #"{"role":"system","content":[{"type":"image_url","image_url":{"url":"u"}}]}"#),
    ("messages[0].content[0].x", #"{"role":"user","content":[{"type":"text","text":"t","x":1}]}"#),
    ("messages[0].content[0].text", #"{"role":"user","content":[{"type":"text"}]}"#),
    ("messages[0].content[0].image_url.url", #"{"role":"user","content":[{"type":"image_url","image_url":{}}]}"#),
    (
      "messages[0].content[0].image_url.detail",
      #"{"role":"user","content":[{"type":"image_url","image_url":{"url":"u","detail":"original"}}]}"#
    ),
    ("messages[0].content", #"{"role":"assistant","content":null}"#),
    ("messages[0].refusal", #"{"role":"assistant","content":"a","refusal":"r"}"#),
    (
      "messages[0].tool_calls[0].id", #"{"role":"assistant","tool_calls":[{"function":{"name":"f","arguments":"{}"}}]}"#
    ),
    ("messages[0].tool_calls[0].type", #"{"role":"assistant","tool_calls":[{"id":"i","type":"custom"}]}"#),
    ("messages[0].tool_calls[0].function", #"{"role":"assistant","tool_calls":[{"id":"i"}]}"#),
    ("messages[0].tool_calls[0].function.name", #"{"role":"assistant","tool_calls":[{"id":"i","function":{}}]}"#),
    ("messages[0].tool_call_id", #"{"role":"tool","content":"x"}"#),
  ]

  @Test(arguments: refusedMessages) func messagesThatHaveNoCounterpart(_ field: String, _ message: String) {
    let error = #expect(throws: ChatRefusal.self) { try translate(#"{"model":"m","messages":[\#(message)]}"#) }
    #expect(error?.field == field)
  }

  @Test(arguments: [
    ("body", "x"), ("body", "[]"), ("model", #"{"messages":[{"role":"user","content":"x"}]}"#),
    ("messages", #"{"model":"m"}"#), ("messages", #"{"model":"m","messages":[]}"#),
    ("messages", #"{"model":"m","messages":"x"}"#),
  ])
  func noBody(_ field: String, _ text: String) {
    let error = #expect(throws: ChatRefusal.self) { try translate(text) }
    #expect(error?.field == field)
  }

  // MARK: Back

  @Test func answersComeBack() throws {
    let answer = #"""
      {"id":"c","object":"chat.completion","created":9,"model":"m","brand_new":{"kept":[1.50]},"choices":[
        {"index":0,"finish_reason":"model_length","message":{"role":"assistant","prefix":false,"tool_calls":null,"content":[
          {"type":"thinking","thinking":[{"type":"text","text":"h"},{"type":"text","text":"m"}]},
          {"type":"text","text":"Hel"},{"type":"reference","reference_ids":[1]},{"type":"text","text":"lo"}]}},
        {"index":1,"finish_reason":"tool_calls","message":{"role":"assistant","content":"","tool_calls":[
          {"id":"abcDEF123","index":0,"function":{"name":"f","arguments":{"a":[1.50]}}},
          {"id":"abcDEF124","function":{"name":"g","arguments":"{}"}}]}},
        {"index":2,"finish_reason":"stop","message":{"content":null}}],
       "usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}
      """#
    let found = MistralTranslation().answer(Array(answer.utf8), isSuccess: true)
    let wanted = #"""
      {"id":"c","object":"chat.completion","created":9,"model":"m","brand_new":{"kept":[1.5]},"choices":[
        {"index":0,"finish_reason":"length","message":{"role":"assistant","content":"Hello","refusal":null,"reasoning_content":"hm","prefix":false}},
        {"index":1,"finish_reason":"tool_calls","message":{"role":"assistant","content":"","refusal":null,"tool_calls":[
          {"id":"abcDEF123","type":"function","function":{"name":"f","arguments":"{\"a\":[1.50]}"}},
          {"id":"abcDEF124","type":"function","function":{"name":"g","arguments":"{}"}}]}},
        {"index":2,"finish_reason":"stop","message":{"role":"assistant","content":"","refusal":null}}],
       "usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}
      """#
    #expect(try sameJSON(found, wanted), "\(String(decoding: found, as: UTF8.self))")
  }

  @Test(arguments: ["no json", "[]", "{}", #"{"choices":{}}"#, #"{"choices":[{}]}"#, #"{"choices":[1]}"#])
  func whatCannotBeReadIsGivenAsItIs(_ text: String) {
    #expect(MistralTranslation().answer(Array(text.utf8), isSuccess: true) == Array(text.utf8))
  }

  @Test func objectionsNameTheMember() {
    let provider = makeMistral(ScriptedHTTP())
    let body = makeBody(#"{"model":"m","user":"u","messages":[{"role":"user","content":"hi"}]}"#, model: "m")
    #expect(provider.objection(to: body, endpoint: .chatCompletions) == "user: has no counterpart at this provider")
    #expect(provider.objection(to: body, endpoint: .mistralChat) == nil)
    #expect(provider.objection(to: body, endpoint: .embeddings) == nil)
  }
}
