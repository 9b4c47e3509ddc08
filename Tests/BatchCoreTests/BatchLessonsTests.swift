import BatchCore
import Testing

private func at(_ seconds: Int64) -> Timestamp { Timestamp(milliseconds: seconds * 1000) }

@Suite(.timeLimit(.minutes(4)))
struct BatchLessonsTests {
  private let limits = BatchLimits()

  @Test func whatIsConfiguredIsACeiling() {
    var lessons = BatchLessons()
    #expect(lessons.cap(limits) == nil)
    lessons.refusedTokens(named: 90_000, own: 200_000, others: 0, now: at(0), random: 0)
    #expect(lessons.cap(limits) == 90_000)
    #expect(lessons.cap(BatchLimits(enqueuedTokens: 50_000)) == 50_000)
    #expect(lessons.cap(BatchLimits(enqueuedTokens: 100_000)) == 90_000)
    #expect(lessons.largestTokens(limits) == 45_000)
  }

  @Test func withoutANameTheRefusedSumBoundsIt() {
    var lessons = BatchLessons()
    lessons.refusedTokens(named: nil, own: 1000, others: 0, now: at(0), random: 0)
    #expect(lessons.cap(limits) == 800)
    // What the others have was accepted.
    lessons = BatchLessons()
    lessons.refusedTokens(named: nil, own: 100, others: 900, now: at(0), random: 0)
    #expect(lessons.cap(limits) == 900)
  }

  @Test func aRefusalBelowTheNamedCapIsBelieved() {
    var lessons = BatchLessons()
    lessons.measured(reported: 2000, estimated: 2000, inBatch: true)
    lessons.refusedTokens(named: 1000, own: 500, others: 0, now: at(0), random: 0)
    #expect(lessons.cap(limits) == 400)
    #expect(lessons.namedCap == 1000)
  }

  /// A cap is named in the provider's tokens, of which there may be more than of ours.
  @Test func aRefusalHasTokensCountTwiceUntilABatchComesHome() {
    var lessons = BatchLessons()
    lessons.refusedTokens(named: 10_000, own: 80_000, others: 40_000, now: at(0), random: 0)
    #expect(lessons.cap(limits) == 10_000)
    #expect(lessons.scaled(100) == 200)
    #expect(lessons.largestTokens(limits) == 5000)
    // Others that were on their way say nothing new.
    lessons.refusedTokens(named: 10_000, own: 80_000, others: 40_000, now: at(1), random: 0)
    #expect(lessons.scaled(100) == 200)
    // What is expected of a call or of a window's size is no worst case.
    #expect(lessons.expected(100) == 100)
    #expect(lessons.estimated(100) == 100)
    lessons.measured(reported: 5000, estimated: 5000, inBatch: false)
    #expect(lessons.scaled(100) == 200)
    lessons.measured(reported: 3000, estimated: 2500, inBatch: true)
    #expect(lessons.scaled(100) == 126)
    #expect(lessons.largestTokens(limits) == 3968)
    #expect(lessons.cap(limits) == 10_000)
    // More counts at once, less slowly.
    lessons.measured(reported: 4000, estimated: 4000, inBatch: true)
    #expect(lessons.scaled(1000) == 1208)
    lessons.measured(reported: 8000, estimated: 4000, inBatch: true)
    #expect(lessons.scaled(1000) == 2100)
    // It was measured: no refusal makes it doubtful.
    lessons.refusedTokens(named: 10_000, own: 5000, others: 4000, now: at(9), random: 0)
    #expect(lessons.scaled(1000) == 2100)
  }

  @Test func whatIsRefusedBelowTheCapIsMoreThanWasThought() {
    var lessons = BatchLessons()
    // At least twice as many as estimated, then: it may be four times.
    lessons.refusedTokens(named: 10_000, own: 3000, others: 2000, now: at(0), random: 0)
    #expect(lessons.scaled(100) == 400)
    #expect(lessons.largestTokens(limits) == 2500)
    lessons.refusedTokens(named: 10_000, own: 5000, others: 5000, now: at(10), random: 0)
    #expect(lessons.scaled(100) == 800)
    // No further: it is not the count.
    lessons.refusedTokens(named: 10_000, own: 5000, others: 0, now: at(20), random: 0)
    #expect(lessons.scaled(100) == 800)
    #expect(lessons.cap(limits) == 4000)
    // A hundred tokens are a good part of what fits, and so they tell. The bound was of 500 estimated ones.
    lessons.measured(reported: 100, estimated: 100, inBatch: true)
    // What runs may be unlike the first that came home: at once it is halved only.
    #expect(lessons.scaled(1000) == 4000)
    #expect(lessons.cap(limits) == 2000)
    for _ in 0..<60 { lessons.measured(reported: 1000, estimated: 1000, inBatch: true) }
    #expect((1050...1053).contains(lessons.scaled(1000)))
  }

  @Test func oneOddRequestSaysNextToNothing() {
    var lessons = BatchLessons()
    lessons.refusedTokens(named: 1_000_000, own: 2_000_000, others: 0, now: at(0), random: 0)
    #expect(lessons.scaled(1000) == 2000)
    lessons.measured(reported: 100_000, estimated: 1000, inBatch: true)
    #expect((2000...2900).contains(lessons.scaled(1000)))
    lessons.measured(reported: 500_000, estimated: 500_000, inBatch: true)
    let measured = lessons.scaled(1000)
    #expect((1050...1500).contains(measured))
    lessons.measured(reported: 100_000, estimated: 1000, inBatch: true)
    #expect(lessons.scaled(1000) < measured + 1000)
  }

  @Test func whatIsAssumedIsForgottenAfterADay() {
    var lessons = BatchLessons()
    lessons.refusedTokens(named: 1000, own: 5000, others: 0, now: at(100), random: 0)
    lessons.expire(at: at(86_499))
    #expect(lessons.scaled(1000) == 2000)
    #expect(BatchLessons(lessons.facts) == lessons)
    lessons.expire(at: at(86_500))
    #expect(lessons.scaled(1000) == 1000)
  }

  @Test func whatIsStuckIsBuiltAround() {
    var lessons = BatchLessons()
    lessons.refusedTokens(named: 1000, own: 5000, others: 0, now: at(0), random: 0)
    #expect(lessons.largestTokens(limits) == 500)
    #expect(lessons.largestTokens(limits, stuck: 400) == 300)
    // However much that is.
    #expect(lessons.largestTokens(limits, stuck: 5000) == 125)
    let usage = BatchUsage(enqueuedTokens: 400, stuckTokens: 400)
    func decide(_ tokens: Int64) -> BatchAdmission {
      BatchAdmission.decide(tokens: tokens, rows: 9, limits, lessons, creates: nil, usage, now: at(60))
    }
    #expect(decide(500) == .tooLarge)
    #expect(decide(300) == .granted(tokens: 600))
  }

  @Test func withoutANameOurOwnCountIsAllThereIs() {
    var lessons = BatchLessons()
    lessons.refusedTokens(named: nil, own: 10_000, others: 0, now: at(0), random: 0)
    #expect(lessons.largestTokens(limits) == 4000)
    lessons.measured(reported: 8000, estimated: 4000, inBatch: true)
    #expect(lessons.cap(limits) == 16_800)
    #expect(lessons.largestTokens(limits) == 4000)
  }

  @Test func itGrowsALittleAtATimeWhereItIsUsed() {
    var lessons = BatchLessons()
    lessons.measured(reported: 1000, estimated: 1000, inBatch: true)
    lessons.refusedTokens(named: 1000, own: 900, others: 0, now: at(0), random: 0)
    #expect(lessons.bound == 720)
    lessons.ran(own: 700, others: 0, now: at(599))
    #expect(lessons.bound == 720)
    lessons.ran(own: 100, others: 0, now: at(600))
    #expect(lessons.bound == 720)
    lessons.ran(own: 400, others: 300, now: at(600))
    #expect(lessons.bound == 792)
    lessons.ran(own: 700, others: 0, now: at(1199))
    #expect(lessons.bound == 792)
    for step in 2..<6 as Range<Int64> { lessons.ran(own: 1000, others: 0, now: at(600 * step)) }
    #expect(lessons.bound == nil)
    #expect(lessons.cap(limits) == 1000)
  }

  @Test func aNamedCapIsDoubtedAfterADay() {
    var lessons = BatchLessons()
    lessons.refusedTokens(named: 1000, own: 5000, others: 0, now: at(0), random: 0)
    lessons.ran(own: 1000, others: 0, now: at(86_399))
    #expect(lessons.cap(limits) == 1000)
    lessons.ran(own: 100, others: 0, now: at(86_400))
    #expect(lessons.cap(limits) == 1000)
    lessons.ran(own: 500, others: 400, now: at(86_400))
    #expect(lessons.cap(limits) == 1100)
    lessons.refusedTokens(named: 1000, own: 600, others: 500, now: at(86_500), random: 0)
    #expect(lessons.cap(limits) == 1000)
  }

  @Test func aFewTokensMoreCountAtOnceAndLessSlowly() {
    var lessons = BatchLessons()
    #expect(lessons.scaled(1000) == 1000)
    lessons.measured(reported: 4000, estimated: 2000, inBatch: false)
    #expect(lessons.scaled(1000) == 2000)
    lessons.measured(reported: 1000, estimated: 1000, inBatch: false)
    #expect(lessons.scaled(1000) == 1750)
    for _ in 0..<100 { lessons.measured(reported: 1, estimated: 1_000_000, inBatch: false) }
    #expect(lessons.scaled(1000) == 250)
    for _ in 0..<100 { lessons.measured(reported: .max, estimated: 1, inBatch: false) }
    #expect(lessons.scaled(1000) == 4000)
    #expect(lessons.scaled(.max) == .max)
    #expect(lessons.scaled(-5) == 0)
    lessons.measured(reported: 0, estimated: 0, inBatch: false)
    lessons.measured(reported: -1, estimated: .min, inBatch: false)
    #expect(lessons.scaled(1000) == 4000)
  }

  @Test func refusedSizesAreNotBuiltAgain() {
    var lessons = BatchLessons()
    lessons.refusedRows(10_000, named: nil)
    #expect(lessons.largestRows == 5000)
    lessons.refusedRows(4000, named: 3000)
    #expect(lessons.largestRows == 3000)
    // A limit that does not explain the refusal.
    lessons.refusedRows(2000, named: 3000)
    #expect(lessons.largestRows == 1000)
    lessons.refusedRows(5000, named: 4000)
    #expect(lessons.largestRows == 1000)
    lessons.refusedBytes(1, named: -7)
    #expect(lessons.largestBytes == 1)
  }

  @Test(arguments: 0..<30 as Range<UInt64>)
  func whatIsKeptIsWhatWasLearned(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    var lessons = BatchLessons()
    var now = Int64(0)
    for _ in 0..<60 {
      now += Int64.random(in: 0...4000, using: &generator)
      let (own, others) = (
        Int64.random(in: 0...Int64.max, using: &generator), Int64.random(in: 0...5000, using: &generator)
      )
      switch Int.random(in: 0..<5, using: &generator) {
      case 0:
        lessons.refusedTokens(
          named: Bool.random(using: &generator) ? own / 2 : nil, own: own / 3, others: others, now: at(now),
          random: generator.next())
      case 1: lessons.ran(own: own, others: others, now: at(now))
      case 2:
        lessons.measured(reported: own, estimated: others, inBatch: Bool.random(using: &generator))
      case 3: lessons.refusedRows(others, named: nil)
      default: lessons.refusedBytes(own, named: others)
      }
      let kept = BatchLessons(lessons.facts)
      #expect(kept.facts == lessons.facts)
      #expect(kept.cap(limits) == lessons.cap(limits))
      #expect(kept.scaled(own) == lessons.scaled(own))
      if let cap = lessons.cap(limits) { #expect(cap >= 1) }
    }
  }
}
