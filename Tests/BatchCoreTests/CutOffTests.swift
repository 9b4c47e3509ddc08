import BatchCore
import Testing

@Suite(.timeLimit(.minutes(4)))
struct CutOffTests {
  private let cutOff = CutOff(callsPerSecond: 10, cancel: .seconds(600), buffer: .seconds(60))

  private func time(_ seconds: Int64) -> Timestamp { Timestamp(milliseconds: seconds * 1000) }

  private func due(_ seconds: Int64, _ count: Int) -> DueRows {
    DueRows(earliest: time(seconds), latest: time(seconds) + .milliseconds(900), count: count, tokens: 0)
  }

  @Test func aCutOffIsTheDeadlineLessAllThatComesBeforeIt() {
    #expect(cutOff.time(of: time(10_000), due: 1000) == time(10_000 - 100 - 600 - 60))
    #expect(cutOff.time(of: time(10_000), due: 0) == time(10_000 - 660))
  }

  @Test func nothingIsEndangeredBeforeItsCutOff() {
    let look = cutOff.look(at: [due(1000, 10), due(2000, 10)], now: time(300))
    #expect(look == CutOff.Look(endangered: nil, next: time(339)))
  }

  @Test func atTheCutOffAllThatAreDueByThenAreEndangered() {
    let look = cutOff.look(at: [due(1000, 10), due(2000, 10)], now: time(339))
    #expect(look.endangered == time(1000) + .milliseconds(900))
    #expect(look.next == time(2000 - 662))
  }

  /// Later ones may need the way out sooner than the first alone: they are too many.
  @Test func manyThatAreDueLaterTakeTheEarlierAlong() {
    let look = cutOff.look(at: [due(1000, 10), due(1100, 10_000)], now: time(0))
    #expect(look.endangered == time(1100) + .milliseconds(900))
    #expect(look.next == nil)
  }

  @Test func survivesTheEndsOfTime() {
    let slow = CutOff(callsPerSecond: 0, cancel: .seconds(.max / 4), buffer: .seconds(-1))
    #expect(slow.time(of: Timestamp(milliseconds: .min), due: .max) == Timestamp(milliseconds: .min))
    let rows = DueRows(
      earliest: Timestamp(milliseconds: .max), latest: Timestamp(milliseconds: .max), count: .max, tokens: .max)
    #expect(slow.look(at: [rows, rows], now: Timestamp(milliseconds: .min)).endangered == nil)
  }

  /// Whoever leaves at the cut-offs that are computed is served in time: sent in order of deadlines at that pace, every
  /// request is answered by its deadline, cancel and buffer included.
  @Test(arguments: 0..<200 as Range<UInt64>)
  func whoLeavesAtTheCutOffArrivesInTime(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var deadline: Int64 = 10_000
    let rows = (0..<Int.random(in: 1...20, using: &random)).map { _ in
      deadline += Int64.random(in: 1...500, using: &random)
      return DueRows(
        earliest: time(deadline), latest: time(deadline), count: Int.random(in: 1...3000, using: &random), tokens: 1)
    }
    // The clock runs to the moment at which something is first endangered.
    guard let first = cutOff.look(at: rows, now: time(-1_000_000)).next else {
      Issue.record("nothing is ever due")
      return
    }
    #expect(cutOff.look(at: rows, now: first + .milliseconds(-1)).endangered == nil)
    guard let horizon = cutOff.look(at: rows, now: first).endangered else {
      Issue.record("nothing is endangered at its cut-off")
      return
    }
    var count = 0
    for row in rows where row.latest <= horizon {
      count += row.count
      #expect(first + cutOff.cancel + cutOff.buffer + cutOff.drain(count) <= row.earliest + .milliseconds(1))
    }
  }

  @Test(arguments: 0..<50 as Range<UInt64>)
  func countsOfWhatIsDueAreTheirSums(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var deadline: Int64 = 0
    let rows = (0..<Int.random(in: 0...20, using: &random)).map { _ in
      deadline += Int64.random(in: 1...3, using: &random)
      return due(deadline, Int.random(in: 0...9, using: &random))
    }
    let counts = DueCounts(rows)
    #expect(counts.count == rows.reduce(0) { $0 + $1.count })
    for second in -1...deadline + 1 {
      let expected = rows.reduce(0) { $1.earliest <= time(second) ? $0 + $1.count : $0 }
      #expect(counts.count(by: time(second)) == expected)
    }
  }

  @Test func countsSurviveWhatDoesNotFit() {
    let rows = DueRows(earliest: time(1), latest: time(1), count: .max, tokens: .max)
    #expect(DueCounts([rows, rows]).count(by: time(1)) == .max)
    #expect(DueCounts([rows, rows]).averageTokens >= 0)
    #expect(DueCounts().averageTokens == 0)
  }
}
