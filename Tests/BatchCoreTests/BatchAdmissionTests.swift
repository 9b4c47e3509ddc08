import BatchCore
import Testing

private func at(_ seconds: Int64) -> Timestamp { Timestamp(milliseconds: seconds * 1000) }

@Suite(.timeLimit(.minutes(4)))
struct BatchAdmissionTests {
  private func decide(
    _ tokens: Int64, rows: Int = 10, cap: Int64? = 1000, _ usage: BatchUsage = BatchUsage(),
    _ lessons: BatchLessons = BatchLessons(), creates: Int? = nil, now: Int64 = 0
  ) -> BatchAdmission {
    BatchAdmission.decide(
      tokens: tokens, rows: rows, BatchLimits(enqueuedTokens: cap, createsPerHour: creates), lessons, creates: nil,
      usage, now: at(now))
  }

  @Test func fillsTheCapAndNoMore() {
    #expect(decide(400, BatchUsage(enqueuedTokens: 600)) == .granted(tokens: 400))
    #expect(decide(401, BatchUsage(enqueuedTokens: 600)) == .wait(.enqueuedTokens, until: at(60)))
    #expect(decide(1000) == .granted(tokens: 1000))
    #expect(decide(1001) == .tooLarge)
    #expect(decide(.max, BatchUsage(enqueuedTokens: .max)) == .tooLarge)
    #expect(decide(.max, cap: nil, BatchUsage(enqueuedTokens: .max)) == .wait(.enqueuedTokens, until: at(60)))
    #expect(decide(.max, cap: nil) == .granted(tokens: .max))
  }

  /// Its estimate may be wrong, and nothing makes it smaller.
  @Test func oneRowAboveTheCapIsTriedAlone() {
    #expect(decide(5000, rows: 1) == .granted(tokens: 5000))
    #expect(decide(5000, rows: 1, BatchUsage(enqueuedTokens: 1)) == .wait(.enqueuedTokens, until: at(60)))
  }

  @Test func whoWasPlannedBeforeGoesBefore() {
    #expect(decide(1, BatchUsage(isBehindAnother: true)) == .wait(.turn, until: at(60)))
  }

  @Test func afterARefusalNothingIsTriedUntilSomethingEnds() {
    var lessons = BatchLessons()
    lessons.measured(reported: 2000, estimated: 2000, inBatch: true)
    lessons.refusedTokens(named: 1000, own: 500, others: 600, now: at(0), random: .max)
    #expect(decide(100, BatchUsage(enqueuedTokens: 600), lessons) == .wait(.refusal, until: at(5)))
    #expect(decide(100, BatchUsage(enqueuedTokens: 500), lessons) == .granted(tokens: 105))
    #expect(decide(100, BatchUsage(enqueuedTokens: 600), lessons, now: 5) == .granted(tokens: 105))
    // The same again, and again: each pause is longer, and none is longer than ten minutes.
    var now = Int64(5)
    for _ in 0..<20 {
      lessons.refusedTokens(named: 1000, own: 1000, others: 600, now: at(now), random: 0)
      now += 600
    }
    lessons.refusedTokens(named: 1000, own: 1000, others: 600, now: at(now), random: .max)
    #expect(decide(100, BatchUsage(enqueuedTokens: 600), lessons, now: now) == .wait(.refusal, until: at(now + 600)))
    // A clock that was set back by a day.
    #expect(decide(100, BatchUsage(enqueuedTokens: 600), lessons, now: now - 86_400) == .granted(tokens: 105))
  }

  @Test func refusalsOfOneBurstAreOne() {
    var lessons = BatchLessons()
    for _ in 0..<10 { lessons.refusedTokens(named: 1000, own: 1000, others: 600, now: at(0), random: .max) }
    #expect(decide(100, BatchUsage(enqueuedTokens: 600), lessons) == .wait(.refusal, until: at(5)))
  }

  @Test func createsOfAnHourAreCounted() {
    let full = BatchUsage(creates: 3, firstCreate: at(100))
    #expect(decide(1, full, creates: 4, now: 200) == .granted(tokens: 1))
    #expect(decide(1, full, creates: 3, now: 200) == .wait(.createsPerHour, until: at(3700)))
    #expect(decide(1, BatchUsage(creates: 3), creates: 3, now: 200) == .wait(.createsPerHour, until: at(260)))
  }

  /// Batches against a provider that counts otherwise than we do and names its cap or does not: what is refused is refused
  /// once, more than the provider allows never runs, and everything comes through.
  @Test(arguments: 0..<40 as Range<UInt64>)
  func everythingComesThroughAndLittleIsRefused(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let trueCap = Int64.random(in: 5000...50_000, using: &generator)
    let ratio = Double.random(in: 0.5...1.6, using: &generator)
    let names = Bool.random(using: &generator)
    var lessons = BatchLessons()
    var left = trueCap * 10
    var running: [(estimate: Int64, counted: Int64, end: Int64)] = []
    var refusals = 0
    var now = Int64(0)
    while left > 0 || !running.isEmpty {
      now += 1
      #expect(now < 2_000_000, "it never ends")
      if now >= 2_000_000 { return }
      let ended = running.filter { $0.end <= now }
      running.removeAll { $0.end <= now }
      for batch in ended {
        let others = running.reduce(0) { $0 + lessons.scaled($1.estimate) }
        lessons.ran(own: lessons.scaled(batch.estimate), others: others, now: at(now))
        lessons.measured(reported: batch.counted, estimated: batch.estimate, inBatch: true)
      }
      guard left > 0 else { continue }
      let largest = min(lessons.largestTokens(BatchLimits()) ?? .max, 60_000)
      let size = min(left, largest)
      let usage = BatchUsage(enqueuedTokens: running.reduce(0) { $0 + lessons.scaled($1.estimate) })
      let decision = BatchAdmission.decide(
        tokens: size, rows: 1000, BatchLimits(), lessons, creates: nil, usage, now: at(now))
      guard case .granted = decision else { continue }
      let counted = Int64(Double(size) * ratio)
      if running.reduce(counted, { $0 + $1.counted }) > trueCap {
        refusals += 1
        lessons.refusedTokens(
          named: names ? trueCap : nil, own: lessons.scaled(size), others: usage.enqueuedTokens, now: at(now),
          random: generator.next())
      } else {
        running.append((size, counted, now + Int64.random(in: 60...600, using: &generator)))
        left -= size
      }
    }
    // The first refusal names the cap; without a name the bound is found by fifths.
    #expect(refusals <= (names ? 4 : 20), "refused \(refusals) times")
  }
}
