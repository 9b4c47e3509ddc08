import Foundation
import Testing
import Wire

@testable import Providers

/// Conversations by chance, in both shapes at once: what is translated is what was made for the other side.
@Suite(.timeLimit(.minutes(2)))
struct ChatTranslationPropertyTests {
  private struct Pair {
    var chat: [String: Any] = [:]
    var messages: [String: Any] = [:]
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

  private static func parts(_ random: inout SeededGenerator) -> (chat: Any, blocks: [[String: Any]]) {
    if Bool.random(using: &random) {
      let text = text(&random)
      return (text, [["type": "text", "text": text]])
    }
    var chat: [[String: Any]] = []
    var blocks: [[String: Any]] = []
    for _ in 0..<Int.random(in: 2...4, using: &random) {
      switch Int.random(in: 0..<3, using: &random) {
      case 0:
        let url = "https://a.test/\(random.next()).png"
        chat.append(["type": "image_url", "image_url": ["url": url]])
        blocks.append(["type": "image", "source": ["type": "url", "url": url]])
      case 1:
        let data = Data("\(random.next())".utf8).base64EncodedString()
        chat.append(["type": "image_url", "image_url": ["url": "data:image/webp;base64,\(data)"]])
        blocks.append(["type": "image", "source": ["type": "base64", "media_type": "image/webp", "data": data]])
      default:
        let text = text(&random)
        chat.append(["type": "text", "text": text])
        blocks.append(["type": "text", "text": text])
      }
    }
    return (chat, blocks)
  }

  private static func make(_ random: inout SeededGenerator) throws -> Pair {
    var pair = Pair()
    var chat: [[String: Any]] = []
    // Blocks by turn: a text alone may be written as it is or as one block.
    var turns: [[String: Any]] = []
    func user(_ blocks: [[String: Any]], after results: [[String: Any]]) {
      turns.append(["role": "user", "content": results + blocks])
    }
    if Bool.random(using: &random) {
      let system = text(&random)
      chat.append(["role": "system", "content": system])
      pair.messages["system"] = system
    }
    for _ in 0..<Int.random(in: 1...5, using: &random) {
      let (content, blocks) = parts(&random)
      chat.append(["role": "user", "content": content])
      user(blocks, after: [])
      guard Bool.random(using: &random) else { continue }
      let said = "said \(text(&random))"
      var assistant: [String: Any] = ["role": "assistant", "content": said]
      var spoken: [[String: Any]] = [["type": "text", "text": said]]
      var calls: [[String: Any]] = []
      var results: [[String: Any]] = []
      var replies: [[String: Any]] = []
      for number in 0..<Int.random(in: 0...2, using: &random) {
        let (id, input, name) = ("c\(number)", value(&random), "f\(number)")
        let arguments = String(decoding: try json(input), as: UTF8.self)
        calls.append(["id": id, "type": "function", "function": ["name": name, "arguments": arguments]])
        spoken.append(["type": "tool_use", "id": id, "name": name, "input": input])
        let given = text(&random)
        replies.append(["role": "tool", "tool_call_id": id, "content": given])
        results.append(["type": "tool_result", "tool_use_id": id, "content": given])
      }
      if !calls.isEmpty { assistant["tool_calls"] = calls }
      chat.append(assistant)
      turns.append(["role": "assistant", "content": spoken])
      chat += replies
      if !results.isEmpty {
        let next = text(&random)
        chat.append(["role": "user", "content": next])
        user([["type": "text", "text": next]], after: results)
      }
    }
    pair.chat["messages"] = chat
    pair.chat["model"] = "any"
    pair.messages["messages"] = turns
    pair.messages["model"] = "claude-x"
    let limit = Int.random(in: 1...9999, using: &random)
    pair.chat[Bool.random(using: &random) ? "max_tokens" : "max_completion_tokens"] = limit
    pair.messages["max_tokens"] = limit
    if Bool.random(using: &random) {
      let schema = value(&random)
      pair.chat["response_format"] = ["type": "json_schema", "json_schema": ["name": "n", "schema": schema]]
      pair.messages["output_config"] = ["format": ["type": "json_schema", "schema": schema]]
    }
    if Bool.random(using: &random) {
      let schema = value(&random)
      pair.chat["tools"] = [["type": "function", "function": ["name": "f", "parameters": schema]]]
      pair.messages["tools"] = [["name": "f", "input_schema": schema]]
    }
    if Bool.random(using: &random) {
      pair.chat["stop"] = [text(&random)]
      pair.messages["stop_sequences"] = pair.chat["stop"]
    }
    return pair
  }

  /// A text alone as the one block that it stands for.
  private static func spelledOut(_ body: Any) -> NSObject? {
    guard var object = body as? [String: Any], let turns = object["messages"] as? [[String: Any]] else { return nil }
    object["messages"] = turns.map { turn -> [String: Any] in
      var turn = turn
      if let text = turn["content"] as? String { turn["content"] = [["type": "text", "text": text]] }
      return turn
    }
    return object as NSObject
  }

  @Test(arguments: 0..<40) func conversationsKeepTheirMeaning(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    for _ in 0..<25 {
      let pair = try Self.make(&random)
      let found = try MessageTranslation().body(of: try Self.json(pair.chat), model: "claude-x")
      let body = try JSONSerialization.jsonObject(with: Data(found))
      let wanted = try JSONSerialization.jsonObject(with: Data(try Self.json(pair.messages)))
      #expect(Self.spelledOut(body) == Self.spelledOut(wanted), "\(String(decoding: found, as: UTF8.self))")
      #expect(!found.contains(0x0A))
    }
  }

  @Test(arguments: 0..<20) func answersKeepTheirMeaning(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    for _ in 0..<25 {
      var blocks: [[String: Any]] = []
      var text: String?
      var calls: [(String, [String: Any])] = []
      for number in 0..<Int.random(in: 0...4, using: &random) {
        if Bool.random(using: &random) {
          let piece = Self.text(&random)
          text = (text ?? "") + piece
          blocks.append(["type": "text", "text": piece])
        } else {
          let input = Self.value(&random)
          calls.append(("t\(number)", input))
          blocks.append(["type": "tool_use", "id": "t\(number)", "name": "f", "input": input])
        }
      }
      let (input, output) = (Int.random(in: 0...999, using: &random), Int.random(in: 0...999, using: &random))
      let answer: [String: Any] = [
        "id": "m", "model": "x", "content": blocks, "stop_reason": calls.isEmpty ? "end_turn" : "tool_use",
        "usage": ["input_tokens": input, "output_tokens": output],
      ]
      let found = try JSONSlice.parse(MessageTranslation().answer(try Self.json(answer), isSuccess: true, created: 1))
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
      #expect(found["usage"]?["total_tokens"]?.int64 == Int64(input + output))
    }
  }

  /// Bodies that were damaged are translated or refused; nothing traps.
  @Test(arguments: 0..<10) func nothingTraps(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    for _ in 0..<100 {
      var bytes = try Self.json(try Self.make(&random).chat)
      for _ in 0..<3 {
        bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0x20...0x7E, using: &random)
      }
      _ = try? MessageTranslation().body(of: bytes, model: "m")
      _ = MessageTranslation().answer(bytes, isSuccess: true, created: 0)
    }
  }
}
