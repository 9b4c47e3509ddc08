import Ledger
import LedgerRules
import Testing

@Suite("Lines of a batch as bytes", .timeLimit(.minutes(4)))
struct StoredLinesTests {
  private static func lines(_ random: inout SystemRandomNumberGenerator) -> BatchLines {
    func number() -> Int64 { Int64.random(in: 0...([1, 300, 1 << 40, .max].randomElement() ?? 1)) }
    var lines = BatchLines(
      count: Int(number()), bodyBytes: number(), modelRangeBytes: number(), customIDBytes: number())
    for _ in 0..<Int.random(in: 0...5, using: &random) {
      lines.shared.append(
        (0..<Int.random(in: 0...40, using: &random)).map { _ in
          BatchLines.Member(id: RequestID(number()), inputs: Int.random(in: 1...2048), tokens: number())
        })
    }
    return lines
  }

  @Test("what is written is read")
  func roundTrip() {
    var random = SystemRandomNumberGenerator()
    for _ in 0..<500 {
      let lines = Self.lines(&random)
      #expect(StoredLines.decode(StoredLines.encode(lines)) == lines)
    }
  }

  @Test("damaged bytes are other lines or none, and never a crash")
  func damage() {
    var random = SystemRandomNumberGenerator()
    var refused = 0
    for _ in 0..<5000 {
      var bytes = StoredLines.encode(Self.lines(&random))
      if Bool.random(using: &random) {
        bytes.removeLast(Int.random(in: 1...bytes.count, using: &random))
      } else {
        for _ in 0..<3 { bytes[Int.random(in: bytes.indices, using: &random)] = .random(in: 0...255, using: &random) }
      }
      if StoredLines.decode(bytes) == nil { refused += 1 }
    }
    #expect(refused > 1000)
  }
}
