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
    lessons.refusedTokens(named: 1000, own: 500, others: 0, now: at(0), random: 0)
    #expect(lessons.cap(limits) == 400)
    #expect(lessons.namedCap == 1000)
  }

  @Test func itGrowsALittleAtATimeWhereItIsUsed() {
    var lessons = BatchLessons()
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
    lessons.measured(reported: 4000, estimated: 2000)
    #expect(lessons.scaled(1000) == 2000)
    lessons.measured(reported: 1000, estimated: 1000)
    #expect(lessons.scaled(1000) == 1750)
    for _ in 0..<100 { lessons.measured(reported: 1, estimated: 1_000_000) }
    #expect(lessons.scaled(1000) == 250)
    for _ in 0..<100 { lessons.measured(reported: .max, estimated: 1) }
    #expect(lessons.scaled(1000) == 4000)
    #expect(lessons.scaled(.max) == .max)
    #expect(lessons.scaled(-5) == 0)
    lessons.measured(reported: 0, estimated: 0)
    lessons.measured(reported: -1, estimated: .min)
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
      case 2: lessons.measured(reported: own, estimated: others)
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
