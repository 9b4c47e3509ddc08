import Foundation
import Testing
import Wire

@testable import Providers

/// Conversations by chance, in both shapes at once: what is translated is what was made for the other side.
@Suite(.timeLimit(.minutes(2)))
struct GenerateTranslationPropertyTests {
  private struct Pair {
    var chat: [String: Any] = [:]
    var generate: [String: Any] = [:]
  }

  private static let texts = [
    "hi", "", "a \"quoted\" \\ text", "Grüße\n\t\u{2028}", "😀 e\u{301}", "{\"json\":1}", "\u{0}\u{7f}",
  ]

  private static func text(_ random: inout SeededGenerator) -> String {
    (texts.randomElement(using: &random) ?? "") + "\(random.next() % 100)"
  }

  private static func value(_ random: inout SeededGenerator) -> [String: Any] {
    ["k": text(&random), "n": [1, 2.5, true, NSNull()], "o": ["deep": [[text(&random)]]]]
  }

  private static func json(_ object: Any) throws -> [UInt8] {
    Array(try JSONSerialization.data(withJSONObject: object, options: .fragmentsAllowed))
  }

  private static func parts(_ random: inout SeededGenerator) -> (chat: Any, parts: [[String: Any]]) {
    if Bool.random(using: &random) {
      let text = text(&random)
      return (text, [["text": text]])
    }
    var chat: [[String: Any]] = []
    var parts: [[String: Any]] = []
    for _ in 0..<Int.random(in: 1...4, using: &random) {
      switch Int.random(in: 0..<3, using: &random) {
      case 0:
        let url = "https://a.test/\(random.next()).png"
        chat.append(["type": "image_url", "image_url": ["url": url]])
        parts.append(["fileData": ["fileUri": url, "mimeType": "image/png"]])
      case 1:
        let data = Data("\(random.next())".utf8).base64EncodedString()
        chat.append(["type": "image_url", "image_url": ["url": "data:image/webp;base64,\(data)"]])
        parts.append(["inlineData": ["mimeType": "image/webp", "data": data]])
      default:
        let text = text(&random)
        chat.append(["type": "text", "text": text])
        parts.append(["text": text])
      }
    }
    return (chat, parts)
  }

  private static func make(_ random: inout SeededGenerator) throws -> Pair {
    var pair = Pair()
    var chat: [[String: Any]] = []
    var contents: [[String: Any]] = []
    if Bool.random(using: &random) {
      let system = text(&random)
      chat.append(["role": "system", "content": system])
      pair.generate["systemInstruction"] = ["parts": [["text": system]]]
    }
    for _ in 0..<Int.random(in: 1...5, using: &random) {
      let (content, parts) = parts(&random)
      chat.append(["role": "user", "content": content])
      contents.append(["role": "user", "parts": parts])
      guard Bool.random(using: &random) else { continue }
      let said = "said \(text(&random))"
      var assistant: [String: Any] = ["role": "assistant", "content": said]
      var spoken: [[String: Any]] = [["text": said]]
      var calls: [[String: Any]] = []
      var results: [[String: Any]] = []
      var replies: [[String: Any]] = []
      for number in 0..<Int.random(in: 0...2, using: &random) {
        let (id, input, name) = ("c\(number)", value(&random), "f\(random.next() % 9)")
        let arguments = String(decoding: try json(input), as: UTF8.self)
        calls.append(["id": id, "type": "function", "function": ["name": name, "arguments": arguments]])
        spoken.append(["functionCall": ["id": id, "name": name, "args": input]])
        let given = text(&random)
        replies.append(["role": "tool", "tool_call_id": id, "content": given])
        results.append(["functionResponse": ["id": id, "name": name, "response": ["output": given]]])
      }
      if !calls.isEmpty { assistant["tool_calls"] = calls }
      chat.append(assistant)
      contents.append(["role": "model", "parts": spoken])
      chat += replies
      if !results.isEmpty { contents.append(["role": "user", "parts": results]) }
    }
    pair.chat["messages"] = chat
    pair.chat["model"] = "any"
    pair.generate["contents"] = contents
    var config: [String: Any] = [:]
    if Bool.random(using: &random) {
      let limit = Int.random(in: 1...9999, using: &random)
      pair.chat[Bool.random(using: &random) ? "max_tokens" : "max_completion_tokens"] = limit
      config["maxOutputTokens"] = limit
    }
    if Bool.random(using: &random) {
      let schema = value(&random)
      pair.chat["response_format"] = ["type": "json_schema", "json_schema": ["name": "n", "schema": schema]]
      config["responseMimeType"] = "application/json"
      config["responseJsonSchema"] = schema
    }
    if Bool.random(using: &random) {
      let schema = value(&random)
      pair.chat["tools"] = [["type": "function", "function": ["name": "f", "parameters": schema]]]
      pair.generate["tools"] = [["functionDeclarations": [["name": "f", "parametersJsonSchema": schema]]]]
    }
    if Bool.random(using: &random) {
      pair.chat["stop"] = [text(&random)]
      config["stopSequences"] = pair.chat["stop"]
    }
    if !config.isEmpty { pair.generate["generationConfig"] = config }
    return pair
  }

  @Test(arguments: 0..<40) func conversationsKeepTheirMeaning(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    for _ in 0..<25 {
      let pair = try Self.make(&random)
      let found = try GenerateTranslation().body(of: try Self.json(pair.chat), model: "gemini-x")
      let body = try JSONSerialization.jsonObject(with: Data(found)) as? NSObject
      let wanted = try JSONSerialization.jsonObject(with: Data(try Self.json(pair.generate))) as? NSObject
      #expect(body == wanted, "\(String(decoding: found, as: UTF8.self))")
      #expect(!found.contains(0x0A))
    }
  }

  @Test(arguments: 0..<20) func answersKeepTheirMeaning(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    for _ in 0..<25 {
      var parts: [[String: Any]] = []
      var text: String?
      var calls: [(String, [String: Any])] = []
      for number in 0..<Int.random(in: 0...4, using: &random) {
        if Bool.random(using: &random) {
          let piece = Self.text(&random)
          text = (text ?? "") + piece
          parts.append(["text": piece])
        } else {
          let input = Self.value(&random)
          calls.append(("t\(number)", input))
          parts.append(["functionCall": ["id": "t\(number)", "name": "f", "args": input]])
        }
      }
      let (input, output) = (Int.random(in: 0...999, using: &random), Int.random(in: 0...999, using: &random))
      let answer: [String: Any] = [
        "candidates": [["content": ["parts": parts], "finishReason": "STOP"]],
        "usageMetadata": ["promptTokenCount": input, "candidatesTokenCount": output, "thoughtsTokenCount": 3],
      ]
      let found = try JSONSlice.parse(
        GenerateTranslation().answer(try Self.json(answer), isSuccess: true, created: 1))
      let message = found["choices"]?.elements.first { _ in true }?["message"]
      #expect(message?["content"]?.string == (text ?? (calls.isEmpty ? "" : nil)))
      let given = message?["tool_calls"]?.elements.map { $0 } ?? []
      #expect(given.map { $0["id"]?.string } == calls.map(\.0))
      for (call, wanted) in zip(given, calls) {
        let arguments = try #require(call["function"]?["arguments"]?.string)
        let object = try JSONSerialization.jsonObject(with: Data(arguments.utf8))
        #expect((object as? NSObject) == (wanted.1 as NSObject))
      }
      #expect(found["usage"]?["prompt_tokens"]?.int64 == Int64(input))
      #expect(found["usage"]?["completion_tokens"]?.int64 == Int64(output + 3))
    }
  }

  /// Bodies that were damaged are translated or refused; nothing traps.
  @Test(arguments: 0..<10) func nothingTraps(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    for _ in 0..<100 {
      let pair = try Self.make(&random)
      for object in [pair.chat, pair.generate] {
        var bytes = try Self.json(object)
        for _ in 0..<3 {
          bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0x20...0x7E, using: &random)
        }
        _ = try? GenerateTranslation().body(of: bytes, model: "m")
        _ = GenerateTranslation().answer(bytes, isSuccess: true, created: 0)
      }
    }
  }
}
