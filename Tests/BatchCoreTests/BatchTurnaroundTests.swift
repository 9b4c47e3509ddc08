import BatchCore
import Testing

@Suite(.timeLimit(.minutes(4)))
struct BatchTurnaroundTests {
  private let start = BatchTurnaround(typical: .seconds(3600), window: .seconds(86_400), cancel: .seconds(600))

  private func ran(_ seconds: Int64) -> BatchRun {
    BatchRun(submittedAt: Timestamp(milliseconds: 0), endedAt: Timestamp(milliseconds: seconds * 1000))
  }

  private func cancelled(after seconds: Int64, took: Int64) -> BatchRun {
    BatchRun(
      submittedAt: Timestamp(milliseconds: 0), cancelledAt: Timestamp(milliseconds: seconds * 1000),
      endedAt: Timestamp(milliseconds: (seconds + took) * 1000))
  }

  @Test(arguments: [0, 1, 4])
  func aFewBatchesTeachNothing(count: Int) {
    let learned = BatchTurnaround(learnedFrom: (0..<count).map { ran(Int64($0) + 1) }, start: start)
    #expect(learned == start)
    #expect(start.run.half == .seconds(3600) && start.run.ninety == .seconds(86_400))
  }

  @Test func manyBatchesGiveTheirQuantiles() {
    let learned = BatchTurnaround(learnedFrom: (1...200).reversed().map { ran($0) }, start: start)
    #expect(learned.run == DurationQuantiles(half: .seconds(100), ninety: .seconds(180), ninetyNine: .seconds(198)))
    #expect(learned.cancel == start.cancel)
  }

  /// Nobody has seen one of ten, or of a hundred: the longest is not taken for it.
  @Test func quantilesThatNothingTellsAreLongerThanTheLongest() {
    let learned = BatchTurnaround(learnedFrom: (1...6).map { ran($0 * 10) }, start: start)
    #expect(learned.run == DurationQuantiles(half: .seconds(30), ninety: .seconds(90), ninetyNine: .seconds(90)))
    let beyond = BatchTurnaround(learnedFrom: (1...6).map { ran($0 * 20_000) }, start: start)
    #expect(beyond.run.ninety == .seconds(120_000))
  }

  /// All that took longer than a minute were cancelled: that says that one in five takes longer, not that none does.
  @Test func whatWasCancelledCountsAsLonger() {
    let fast = (0..<80).map { _ in ran(60) }
    let slow = (0..<20).map { _ in cancelled(after: 300, took: 10) }
    let learned = BatchTurnaround(learnedFrom: fast + slow, start: start)
    #expect(learned.run.half == .seconds(60))
    #expect(learned.run.ninety == .seconds(86_400))
    #expect(learned.cancel == DurationQuantiles(half: .seconds(10), ninety: .seconds(10), ninetyNine: .seconds(15)))
  }

  @Test func oneThatIsNotOverCountsAsLonger() {
    let open = BatchRun(
      submittedAt: Timestamp(milliseconds: 0), endedAt: Timestamp(milliseconds: 900_000), isOver: false)
    let learned = BatchTurnaround(learnedFrom: (0..<9).map { _ in ran(60) } + [open], start: start)
    #expect(learned.run.half == .seconds(60))
    #expect(learned.run.ninety == .seconds(60))
    #expect(learned.run.ninetyNine == .seconds(86_400))
  }

  @Test(arguments: 0..<200 as Range<UInt64>)
  func quantilesAreInOrderWhateverTheSamples(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let samples = (0..<Int.random(in: 0...150, using: &random)).map { _ in
      DurationSample(
        .milliseconds(Int64.random(in: 0...1_000_000, using: &random)), isCut: Bool.random(using: &random))
    }
    let found = DurationQuantiles(of: samples, start: start.run)
    #expect(found.half <= found.ninety)
    #expect(found.ninety <= found.ninetyNine)
    // Cutting a sample off never makes anything look faster.
    let cut = samples.map { DurationSample($0.length, isCut: $0.isCut || Bool.random(using: &random)) }
    #expect(DurationQuantiles(of: cut, start: start.run).half >= min(found.half, start.run.half))
  }

  /// Clocks are set, and batches may seem to end before they begin.
  @Test func negativeTimesAreNoTime() {
    let odd = BatchRun(submittedAt: Timestamp(milliseconds: 5000), endedAt: Timestamp(milliseconds: 0))
    let learned = BatchTurnaround(learnedFrom: Array(repeating: odd, count: 20), start: start)
    #expect(learned.run.half == .zero)
  }
}
