import Foundation
import Testing
import Tokenizer

@testable import Millrace

@Suite(.timeLimit(.minutes(4)))
struct FileTokensTests {
  private func withFile<Result>(_ content: String, _ body: (String) throws -> Result) throws -> Result {
    let file = FileManager.default.temporaryDirectory.appending(path: "tokens-\(UUID().uuidString)")
    try Data(content.utf8).write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    return try body(file.path())
  }

  private func lines(
    _ content: String, model: String? = nil, encoding: TokenEncoding? = nil, ids: Bool = false
  ) throws -> [String] {
    try withFile(content) { path in
      var lines: [String] = []
      try FileTokens(model: model, encoding: encoding, ids: ids).forEachLine(of: path) { lines.append($0) }
      return lines
    }
  }

  private func whole(
    _ content: String, model: String? = nil, encoding: TokenEncoding? = nil, ids: Bool = false
  ) throws -> String {
    try withFile(content) { try FileTokens(model: model, encoding: encoding, ids: ids).line(of: $0) }
  }

  @Test func aFileIsOneText() throws {
    #expect(try whole("Hello, world!", encoding: .cl100kBase, ids: true) == "[9906,11,1917,0]")
    #expect(try whole("Hello, world!", model: "gpt-4o", ids: true) == "[13225,11,2375,0]")
    #expect(try whole("Hello, world!") == "4")
    #expect(try whole("") == "0")
    #expect(try whole("", ids: true) == "[]")
    // 4 times 1.35, rounded up.
    #expect(try whole("Hello, world!", model: "claude-sonnet-4-5") == "6")
  }

  @Test func aLineIsATextOrARequest() throws {
    let content = #"""
      "Hello, world!"

      {"text":"a\n\u00e9","cl100k_base":[]}
      {"model":"gpt-4o","messages":[{"role":"user","content":"Hello, world!"}]}
      {"custom_id":"1","method":"POST","url":"/v1/embeddings","body":{"model":"text-embedding-3-small","input":"Hello"}}
      {"model":"gpt-4o","input":"Hello, world!"}
      """#
    #expect(try lines(content) == ["4", "3", "11", "1", "10"])
    #expect(try lines(#""Hello, world!""#, encoding: .cl100kBase, ids: true) == ["[9906,11,1917,0]"])
  }

  @Test(arguments: [
    ("{", false, "valid JSON"), ("[1]", false, "no text and no request"), ("7", false, "no text and no request"),
    (#"{"model":"m","messages":[]}"#, true, "--ids"),
  ])
  func whatCannotBeCountedIsNamed(line: String, ids: Bool, says: String) throws {
    let error = #expect(throws: FileTokens.Failed.self) { try lines("\"a\"\n" + line, ids: ids) }
    #expect(error?.description.contains("line 2") ?? false)
    #expect(error?.description.contains(says) ?? false)
  }

  @Test func aFileThatIsNotThereIsNamed() {
    let error = #expect(throws: FileTokens.Failed.self) {
      try FileTokens(model: nil, encoding: nil, ids: false).line(of: "/nowhere/at/all")
    }
    #expect(error?.description.hasPrefix("/nowhere/at/all: ") ?? false)
  }

  @Test func anEstimateIsCalledOne() {
    #expect(FileTokens(model: "gpt-4o", encoding: nil, ids: false).note == nil)
    #expect(FileTokens(model: "claude-x", encoding: nil, ids: false).note?.contains("not public") ?? false)
  }
}
