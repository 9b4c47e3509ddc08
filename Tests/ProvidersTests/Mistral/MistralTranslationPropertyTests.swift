import Foundation
import Testing
import Wire

@testable import Providers

/// Conversations by chance, in both shapes at once: what is translated is what was made for the other side.
@Suite(.timeLimit(.minutes(2)))
struct MistralTranslationPropertyTests {
  private static let texts = [
    "hi", "", "a \"quoted\" \\ text", "Grüße\n\t\u{2028}", "😀 e\u{301}", "{\"json\":1}", "\u{0}\u{7f}",
  ]

  private static func text(_ random: inout SeededGenerator) -> String {
    (texts.randomElement(using: &random) ?? "") + "\(random.next() % 100)"
  }

  private static func json(_ object: Any) throws -> [UInt8] {
    Array(try JSONSerialization.data(withJSONObject: object, options: .fragmentsAllowed))
  }

  private static func content(_ random: inout SeededGenerator) -> Any {
    if Bool.random(using: &random) { return text(&random) }
    return (0..<Int.random(in: 1...3, using: &random)).map { _ -> [String: Any] in
      Bool.random(using: &random)
        ? ["type": "text", "text": text(&random)]
        : ["type": "image_url", "image_url": ["url": "https://a.test/\(random.next()).png"]]
    }
  }

  /// Ids of every form; the other side's ids are told by the calls themselves.
  private static func id(_ random: inout SeededGenerator) -> String {
    let number = String(random.next() % 900_000 + 100_000)
    return ["call_" + number, number, "Abc" + number, number + "-" + number].randomElement(using: &random) ?? number
  }

  private static func make(_ random: inout SeededGenerator) -> (chat: [String: Any], own: [String: Any]) {
    var chat: [[String: Any]] = []
    var own: [[String: Any]] = []
    func both(_ message: [String: Any]) {
      chat.append(message)
      own.append(message)
    }
    if Bool.random(using: &random) {
      let role = ["system", "developer"].randomElement(using: &random) ?? "system"
      let said = text(&random)
      chat.append(["role": role, "content": said])
      own.append(["role": "system", "content": said])
    }
    for _ in 0..<Int.random(in: 1...5, using: &random) {
      both(["role": "user", "content": content(&random)])
      let said = text(&random)
      let ids = (0..<Int.random(in: 0...2, using: &random)).map { _ in id(&random) }
      let arguments = #"{"n":[1,2.5]}"#
      func calls(_ named: (String) -> String) -> [[String: Any]] {
        ids.map { ["id": named($0), "type": "function", "function": ["name": "f", "arguments": arguments]] }
      }
      if ids.isEmpty {
        both(["role": "assistant", "content": said])
      } else {
        chat.append(["role": "assistant", "content": said, "tool_calls": calls { $0 }])
        own.append(["role": "assistant", "content": said, "tool_calls": calls(MistralCallID.id(for:))])
      }
      for id in ids {
        let given = text(&random)
        chat.append(["role": "tool", "tool_call_id": id, "content": given])
        own.append(["role": "tool", "tool_call_id": MistralCallID.id(for: id), "content": given])
      }
    }
    var pair: (chat: [String: Any], own: [String: Any]) = (
      ["messages": chat, "model": "any"], ["messages": own, "model": "mistral-x"]
    )
    let limit = Int.random(in: 1...9999, using: &random)
    pair.chat[Bool.random(using: &random) ? "max_tokens" : "max_completion_tokens"] = limit
    pair.own["max_tokens"] = limit
    if Bool.random(using: &random) { (pair.chat["seed"], pair.own["random_seed"]) = (limit, limit) }
    if Bool.random(using: &random) { (pair.chat["tool_choice"], pair.own["tool_choice"]) = ("required", "any") }
    for name in ["stop", "top_p", "n", "metadata"] where Bool.random(using: &random) {
      let value: Any = name == "metadata" ? ["k": text(&random)] : name == "stop" ? [text(&random)] : limit
      (pair.chat[name], pair.own[name]) = (value, value)
    }
    for name in ["stream", "store"] where Bool.random(using: &random) { pair.chat[name] = false }
    return pair
  }

  @Test(arguments: 0..<40) func conversationsKeepTheirMeaning(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    for _ in 0..<25 {
      let pair = Self.make(&random)
      let found = try MistralTranslation().body(of: try Self.json(pair.chat), model: "mistral-x")
      #expect(
        try sameJSON(found, String(decoding: try Self.json(pair.own), as: UTF8.self)),
        "\(String(decoding: found, as: UTF8.self))")
      #expect(!found.contains(0x0A))
      // Calls and what came of them still belong together.
      let messages = try JSONSlice.parse(found)["messages"]?.elements.map { $0 } ?? []
      let called = Set(messages.flatMap { $0["tool_calls"]?.elements.compactMap { $0["id"]?.string } ?? [] })
      let answered = messages.compactMap { $0["tool_call_id"]?.string }
      #expect(Set(answered).isSubset(of: called))
    }
  }

  @Test(arguments: 0..<20) func answersKeepTheirMeaning(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    for _ in 0..<25 {
      var chunks: [[String: Any]] = []
      var (said, thought): (String?, String?) = (nil, nil)
      for _ in 0..<Int.random(in: 0...4, using: &random) {
        let piece = Self.text(&random)
        if Bool.random(using: &random) {
          said = (said ?? "") + piece
          chunks.append(["type": "text", "text": piece])
        } else {
          thought = (thought ?? "") + piece
          chunks.append(["type": "thinking", "thinking": [["type": "text", "text": piece]]])
        }
      }
      let input = ["a": [Self.text(&random)]]
      let calls: [[String: Any]] = (0..<Int.random(in: 0...2, using: &random)).map {
        ["id": "abcdefgh\($0)", "function": ["name": "f", "arguments": input]]
      }
      let message: [String: Any] = ["role": "assistant", "content": chunks, "tool_calls": calls]
      let answer: [String: Any] = ["id": "c", "choices": [["index": 0, "message": message, "finish_reason": "stop"]]]
      let found = try JSONSlice.parse(MistralTranslation().answer(try Self.json(answer), isSuccess: true))
      let read = try #require(found["choices"]?.elements.first { _ in true }?["message"])
      #expect(read["content"]?.string == said ?? (calls.isEmpty ? "" : nil))
      #expect(read["reasoning_content"]?.string == thought)
      let given = read["tool_calls"]?.elements.map { $0 } ?? []
      #expect(given.map { $0["id"]?.string } == calls.map { $0["id"] as? String })
      for call in given {
        let arguments = try #require(call["function"]?["arguments"]?.string)
        #expect(try sameJSON(Array(arguments.utf8), String(decoding: try Self.json(input), as: UTF8.self)))
      }
    }
  }

  /// Bodies that were damaged are translated or refused; nothing traps, and what is written is JSON.
  @Test(arguments: 0..<10) func nothingTraps(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    for _ in 0..<100 {
      var bytes = try Self.json(Self.make(&random).chat)
      for _ in 0..<3 {
        bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0x20...0x7E, using: &random)
      }
      if let body = try? MistralTranslation().body(of: bytes, model: nil) { _ = try JSONSlice.parse(body) }
      _ = MistralTranslation().answer(bytes, isSuccess: true)
      _ = MistralTranslation().answer(bytes, isSuccess: false)
    }
  }
}
