import BatchCore
import Foundation
import Testing
import Wire

@testable import Providers

/// Equality of JSON whatever the order of members.
func sameJSON(_ left: [UInt8], _ right: String) throws -> Bool {
  let found = try JSONSerialization.jsonObject(with: Data(left), options: .fragmentsAllowed)
  let wanted = try JSONSerialization.jsonObject(with: Data(right.utf8), options: .fragmentsAllowed)
  return (found as? NSObject) == (wanted as? NSObject)
}

@Suite struct ChatTranslationTests {
  private func translate(_ chat: String) throws(ChatRefusal) -> [UInt8] {
    try MessageTranslation().body(of: Array(chat.utf8), model: "claude-x")
  }

  private func expect(_ chat: String, _ messages: String, _ place: SourceLocation = #_sourceLocation) throws {
    let found = try translate(chat)
    #expect(try sameJSON(found, messages), "\(String(decoding: found, as: UTF8.self))", sourceLocation: place)
  }

  @Test func everythingThatHasACounterpart() throws {
    try expect(
      #"""
      {"model":"claude-*","messages":[
        {"role":"system","content":"Be \u00e4 kind."},{"role":"developer","content":[{"type":"text","text":"And brief."}]},
        {"role":"user","content":[{"type":"text","text":"See"},
          {"type":"image_url","image_url":{"url":"https://a.test/x.png","detail":"auto"}},
          {"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}}]},
        {"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{\"a\":\n1}"}}]},
        {"role":"tool","tool_call_id":"c1","content":"7"},{"role":"tool","tool_call_id":"c2","content":[{"type":"text","text":"8"}]},
        {"role":"user","content":"go on"}],
       "tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object"},"strict":true}},
                {"type":"function","function":{"name":"g"}}],
       "tool_choice":{"type":"function","function":{"name":"f"}},"parallel_tool_calls":false,"stop":["a","b"],
       "temperature":0.50,"top_p":0.9,"max_completion_tokens":7,"reasoning_effort":"high","user":"u1","n":1,
       "stream":false,"logprobs":null,"presence_penalty":0,"response_format":
         {"type":"json_schema","json_schema":{"name":"s","strict":true,"schema":{"type":"object","x":[1.50]}}}}
      """#,
      #"""
      {"model":"claude-x","max_tokens":7,
       "system":[{"type":"text","text":"Be ä kind."},{"type":"text","text":"And brief."}],
       "messages":[
        {"role":"user","content":[{"type":"text","text":"See"},
          {"type":"image","source":{"type":"url","url":"https://a.test/x.png"}},
          {"type":"image","source":{"type":"base64","media_type":"image/png","data":"AAAA"}}]},
        {"role":"assistant","content":[{"type":"tool_use","id":"c1","name":"f","input":{"a":1}}]},
        {"role":"user","content":[{"type":"tool_result","tool_use_id":"c1","content":"7"},
          {"type":"tool_result","tool_use_id":"c2","content":"8"},{"type":"text","text":"go on"}]}],
       "tools":[{"name":"f","description":"d","input_schema":{"type":"object"},"strict":true},
                {"name":"g","input_schema":{"type":"object","properties":{}}}],
       "tool_choice":{"type":"tool","name":"f","disable_parallel_tool_use":true},"stop_sequences":["a","b"],
       "temperature":0.5,"top_p":0.9,"metadata":{"user_id":"u1"},
       "output_config":{"effort":"high","format":{"type":"json_schema","schema":{"type":"object","x":[1.5]}}}}
      """#)
    try expect(
      #"{"messages":[{"role":"user","content":"hi"}],"model":"m","stop":"x","reasoning_effort":"none","max_tokens":1}"#,
      #"{"model":"claude-x","max_tokens":1,"messages":[{"role":"user","content":"hi"}],"stop_sequences":["x"],"thinking":{"type":"disabled"}}"#
    )
    // Without a limit the documented one.
    try expect(
      #"{"messages":[{"role":"system","content":"s"},{"role":"user","content":"hi"}],"model":"m"}"#,
      #"{"model":"claude-x","max_tokens":8192,"system":"s","messages":[{"role":"user","content":"hi"}]}"#)
  }

  @Test(arguments: [("auto", "auto"), ("none", "none"), ("required", "any")])
  func toolChoices(_ given: String, _ wanted: String) throws {
    let tool = #""tools":[{"type":"function","function":{"name":"g"}}]"#
    let found = try translate(
      #"{"messages":[{"role":"user","content":"hi"}],"model":"m","tool_choice":"\#(given)",\#(tool)}"#)
    let choice = try JSONSlice.parse(found)["tool_choice"]
    #expect(choice?["type"]?.string == wanted)
    #expect(choice?["disable_parallel_tool_use"] == nil)
  }

  /// The name of what is refused, and the member that is added to a body that would be taken.
  static let refused: [(String, String)] = [
    ("seed", #""seed":1"#), ("n", #""n":2"#), ("logprobs", #""logprobs":true"#), ("top_logprobs", #""top_logprobs":3"#),
    ("presence_penalty", #""presence_penalty":0.5"#), ("frequency_penalty", #""frequency_penalty":1"#),
    ("logit_bias", #""logit_bias":{"1":2}"#), ("modalities", #""modalities":["text","audio"]"#),
    ("audio", #""audio":{}"#),
    ("prediction", #""prediction":{}"#), ("web_search_options", #""web_search_options":{}"#),
    ("store", #""store":true"#),
    ("metadata", #""metadata":{"a":"b"}"#), ("functions", #""functions":[]"#),
    ("function_call", #""function_call":"auto""#),
    ("prompt_cache_key", #""prompt_cache_key":"k""#), ("service_tier", #""service_tier":"flex""#),
    ("verbosity", #""verbosity":"low""#), ("brand_new", #""brand_new":1"#),
    ("reasoning_effort", #""reasoning_effort":"minimal""#), ("temperature", #""temperature":1.5"#),
    ("temperature", #""temperature":"warm""#), ("max_tokens", #""max_tokens":0"#), ("stop", #""stop":[1]"#),
    ("max_completion_tokens", #""max_tokens":1,"max_completion_tokens":1"#),
    ("safety_identifier", #""user":"a","safety_identifier":"b""#), ("tool_choice", #""tool_choice":"auto""#),
    ("parallel_tool_calls", #""parallel_tool_calls":true"#),
    ("response_format.type", #""response_format":{"type":"json_object"}"#),
    ("response_format.json_schema.schema", #""response_format":{"type":"json_schema","json_schema":{"name":"x"}}"#),
    (
      "response_format.json_schema.description",
      #""response_format":{"type":"json_schema","json_schema":{"description":"x","schema":{}}}"#
    ),
    ("tools[0].type", #""tools":[{"type":"custom"}]"#),
    ("tools[0].function.name", #""tools":[{"type":"function","function":{}}]"#),
    ("tools[0].function.kind", #""tools":[{"type":"function","function":{"name":"f","kind":1}}]"#),
    ("messages[1].role", #""messages":[{"role":"user","content":"a"},{"role":"system","content":"late"}]"#),
    ("messages[0].role", #""messages":[{"role":"function","content":"a"}]"#),
    ("messages[0].name", #""messages":[{"role":"user","content":"a","name":"ann"}]"#),
    ("messages[0].audio", #""messages":[{"role":"assistant","content":"a","audio":{"id":"x"}}]"#),
    ("messages[0].content", #""messages":[{"role":"user","content":7}]"#),
    ("messages[0].content", #""messages":[{"role":"assistant","content":null}]"#),
    ("messages[0].content[0].type", #""messages":[{"role":"user","content":[{"type":"input_audio"}]}]"#),
    ("messages[0].content[0].cache", #""messages":[{"role":"user","content":[{"type":"text","text":"a","cache":1}]}]"#),
    (
      "messages[0].content[0].image_url.detail",
      #""messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"http://a","detail":"high"}}]}]"#
    ),
    (
      "messages[0].content[0].image_url.url",
      #""messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png,AA"}}]}]"#
    ),
    (
      "image_url.url",
      #""messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/tiff;base64,AA"}}]}]"#
    ),
    (
      "messages[0].tool_calls[0].function.arguments",
      #""messages":[{"role":"assistant","tool_calls":[{"id":"c","function":{"name":"f","arguments":"[1]"}}]}]"#
    ),
    ("messages[0].tool_call_id", #""messages":[{"role":"tool","content":"x"}]"#), ("messages", #""messages":[]"#),
  ]

  @Test(arguments: refused) func whatHasNoCounterpartIsNamed(_ field: String, _ member: String) {
    let messages = member.hasPrefix(#""messages""#) ? "" : #","messages":[{"role":"user","content":"hi"}]"#
    let error = #expect(throws: ChatRefusal.self) { try translate(#"{"model":"m",\#(member)\#(messages)}"#) }
    #expect(error?.field == field)
  }

  @Test func answersComeBack() throws {
    let answer = #"""
      {"id":"msg_1","type":"message","role":"assistant","model":"claude-x","content":[
        {"type":"thinking","thinking":"hm","signature":"s"},{"type":"text","text":"Hel"},{"type":"text","text":"lo"},
        {"type":"tool_use","id":"t1","name":"f","input":{"a":[1.50,"ä"]}}],"stop_reason":"tool_use",
       "usage":{"input_tokens":10,"cache_read_input_tokens":50,"cache_creation_input_tokens":30,"output_tokens":5,
                "output_tokens_details":{"thinking_tokens":2}}}
      """#
    let found = MessageTranslation().answer(Array(answer.utf8), isSuccess: true, created: 77)
    #expect(
      try sameJSON(
        found,
        #"""
        {"id":"msg_1","object":"chat.completion","created":77,"model":"claude-x","choices":[{"index":0,"logprobs":null,
          "finish_reason":"tool_calls","message":{"role":"assistant","content":"Hello","refusal":null,"reasoning_content":"hm",
          "tool_calls":[{"id":"t1","type":"function","function":{"name":"f","arguments":"{\"a\":[1.50,\"ä\"]}"}}]}}],
         "usage":{"prompt_tokens":90,"completion_tokens":5,"total_tokens":95,
          "prompt_tokens_details":{"cached_tokens":50,"cache_write_tokens":30},
          "completion_tokens_details":{"reasoning_tokens":2}}}
        """#), "\(String(decoding: found, as: UTF8.self))")
  }

  @Test(arguments: [
    ("end_turn", "stop"), ("stop_sequence", "stop"), ("max_tokens", "length"), ("tool_use", "tool_calls"),
    ("refusal", "content_filter"), ("model_context_window_exceeded", "length"), ("pause_turn", "stop"), ("new", "stop"),
  ])
  func finishReasons(_ given: String, _ wanted: String) throws {
    let answer = #"{"id":"m","content":[],"stop_reason":"\#(given)"}"#
    let found = try JSONSlice.parse(MessageTranslation().answer(Array(answer.utf8), isSuccess: true, created: 0))
    let choice = found["choices"]?.elements.first { _ in true }
    #expect(choice?["finish_reason"]?.string == wanted)
    #expect(choice?["message"]?["content"]?.string == "")
    #expect(found["usage"] == nil)
  }

  @Test func refusalsComeBack() throws {
    let error = MessageSamples.error("overloaded_error")
    let found = MessageTranslation().answer(Array(error.utf8), isSuccess: false, created: 0)
    #expect(
      try sameJSON(found, #"{"error":{"message":"m","type":"overloaded_error","param":null,"code":null}}"#))
    // What cannot be read is given as it is: it was paid for.
    for text in ["no json", "[]", #"{"content":"text"}"#] {
      #expect(MessageTranslation().answer(Array(text.utf8), isSuccess: true, created: 0) == Array(text.utf8))
    }
  }

  @Test func theAdapterTranslatesBothWays() async throws {
    let chat = makeBody(#"{"model":"claude-*","messages":[{"role":"user","content":"hi"}]}"#, model: "claude-*")
    let answer =
      #"{"id":"msg_1","content":[{"type":"text","text":"yes"}],"stop_reason":"end_turn","usage":{"input_tokens":1,"output_tokens":2}}"#
    let http = ScriptedHTTP(.answer(200, [], answer))
    let outcome = await makeAnthropic(http).call(
      ProviderCall(endpoint: .chatCompletions, model: "claude-x", body: chat, timeout: .seconds(9)))
    #expect(
      await http.sent.first?.text
        == #"{"model":"claude-x","max_tokens":8192,"messages":[{"role":"user","content":"hi"}]}"#)
    #expect(outcome.usage == Usage(inputTokens: 1, outputTokens: 2))
    let body = try JSONSlice.parse(try #require(outcome.response).body)
    #expect(body["object"]?.string == "chat.completion")
    // A batch is as long as what it says, though translation changes the length.
    let rows = (0..<50).map { BatchRow(customID: "r-\($0)", body: chat) }
    let batches = ScriptedHTTP(
      .answer(200, [], MessageSamples.running),
      .stream(200, [Array(MessageSamples.results.joined(separator: "\n").utf8)]))
    _ = try await makeAnthropic(batches)
      .create(
        BatchSubmission(label: "L", endpoint: .chatCompletions, model: "claude-x", rowCount: 50, inputBytes: 1),
        input: .rows(RowChunks(chunks: [Array(rows[..<20]), Array(rows[20...])])), timeout: .seconds(9))
    let sent = try #require(await batches.sent.first)
    #expect(sent.declaredLength == Int64(sent.body.count))
    #expect(try JSONSlice.parse(sent.body)["requests"]?.elements.reduce(0) { count, _ in count + 1 } == 50)
    let results = try await makeAnthropic(batches).results(fileID: "b", of: .chatCompletions).next() ?? []
    let objects = results.map { $0.response.flatMap { try? JSONSlice.parse($0.body)["object"]?.string } }
    #expect(objects == ["chat.completion", nil, nil, nil])
    let refused = results.first { $0.customID == "r-2" }?.response.flatMap { try? JSONSlice.parse($0.body) }
    #expect(refused?["error"]?["type"]?.string == "invalid_request_error")
  }

  @Test func objectionsNameTheMember() {
    let provider = makeAnthropic(ScriptedHTTP())
    let body = makeBody(#"{"model":"m","seed":1,"messages":[{"role":"user","content":"hi"}]}"#, model: "m")
    #expect(provider.objection(to: body, endpoint: .chatCompletions) == "seed: has no counterpart at this provider")
    #expect(provider.objection(to: body, endpoint: .messages) == nil)
  }
}
