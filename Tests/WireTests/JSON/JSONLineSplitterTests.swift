import Testing
import Wire

@Suite(.timeLimit(.minutes(4)))
struct JSONLineSplitterTests {
  private struct Outcome: Equatable {
    var lines: [String] = []
    var firstTooLong: Int?
  }

  private func split(_ chunks: [[UInt8]], maximum: Int = 1000) -> Outcome {
    var splitter = JSONLineSplitter(maximumLineBytes: maximum)
    var outcome = Outcome()
    func add(_ lines: [[UInt8]]) { outcome.lines += lines.map { String(decoding: $0, as: UTF8.self) } }
    for chunk in chunks {
      do throws(JSONLineError) {
        add(try splitter.append(chunk))
      } catch {
        add(error.lines)
        outcome.firstTooLong = outcome.firstTooLong ?? error.line
      }
    }
    if let last = splitter.finish() { add([last]) }
    return outcome
  }

  @Test(arguments: [
    ("a\nb\n", ["a", "b"]), ("a\nb", ["a", "b"]), ("a\r\nb\r\n", ["a", "b"]), ("a\r", ["a"]), ("", []), ("\n\n", []),
    ("\r\n\r\n", []),
    ("\n a \n\t\n", [" a "]), ("\u{FEFF}a\n\u{FEFF}b\n", ["a", "\u{FEFF}b"]), ("\u{FEFF}\na\n", ["a"]),
    ("a\u{2028}b\u{2029}c\u{85}d\u{B}e\u{C}f\n", ["a\u{2028}b\u{2029}c\u{85}d\u{B}e\u{C}f"]), ("a\rb\n", ["a\rb"]),
    ("a\r\r\n", ["a\r"]),
  ])
  func splitsAtLineFeedsOnly(_ text: String, _ expected: [String]) {
    #expect(split([Array(text.utf8)]) == Outcome(lines: expected))
    #expect(split(text.utf8.map { [$0] }) == Outcome(lines: expected))
  }

  @Test(arguments: [1, 2, 3, 4, 5] as [UInt64])
  func chunksDoNotMatter(_ seed: UInt64) {
    var random = SeededGenerator(seed)
    let pieces = ["\n", "\r\n", "\r", "a", "bcdefghijklm", "\u{FEFF}", "\u{2028}", " "].map { Array($0.utf8) }
    for _ in 0..<400 {
      var text: [UInt8] = []
      for _ in 0..<Int.random(in: 0...30, using: &random) { text += pieces.randomElement(using: &random) ?? [] }
      let expected = split([text], maximum: 20)
      for _ in 0..<4 {
        var chunks: [[UInt8]] = []
        var start = 0
        while start < text.count {
          let end = Int.random(in: start...min(text.count, start + 9), using: &random)
          chunks.append(Array(text[start..<end]))
          start = end
        }
        #expect(split(chunks, maximum: 20) == expected)
      }
    }
  }

  @Test func aLineThatIsTooLongTakesNoOtherWithIt() {
    let text = "ok\n" + String(repeating: "x", count: 21) + "\nalso\n" + String(repeating: "y", count: 30)
    #expect(split([Array(text.utf8)], maximum: 20) == Outcome(lines: ["ok", "also"], firstTooLong: 2))
    #expect(split([Array(String(repeating: "x", count: 20).utf8)], maximum: 20).lines.count == 1)
  }
}
