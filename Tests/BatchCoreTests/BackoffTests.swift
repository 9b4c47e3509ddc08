import BatchCore
import Testing

@Suite(.timeLimit(.minutes(4)))
struct BackoffTests {
  @Test(arguments: [(1, 2000), (2, 4000), (3, 8000), (4, 16_000), (5, 30_000), (1000, 30_000), (0, 2000), (-3, 2000)])
  func doublesUpToTheCap(attempt: Int, ceiling: Int64) {
    let base = Duration.milliseconds(2000)
    let cap = Duration.seconds(30)
    #expect(Backoff.delay(attempt: attempt, base: base, cap: cap, random: 0) == .zero)
    #expect(Backoff.delay(attempt: attempt, base: base, cap: cap, random: .max) == .milliseconds(ceiling))
    #expect(Backoff.delay(attempt: attempt, base: base, cap: cap, random: .max / 2) == .milliseconds(ceiling / 2))
  }

  @Test func spreadsEvenly() {
    var random = SeededGenerator(seed: 1)
    var buckets = [Int](repeating: 0, count: 10)
    for _ in 0..<10_000 {
      let delay = Backoff.delay(attempt: 1, base: .milliseconds(999), cap: .seconds(9), random: random.next())
      buckets[Int(delay.wholeMilliseconds / 100)] += 1
    }
    #expect(buckets.allSatisfy { (850...1150).contains($0) })
  }

  @Test func honoursRetryAfterUpToItsMaximum() {
    func delay(_ retryAfter: Duration?, random: UInt64) -> Duration {
      Backoff.delay(
        attempt: 1, base: .seconds(1), cap: .seconds(2), retryAfter: retryAfter, maximumRetryAfter: .seconds(60),
        random: random)
    }
    #expect(delay(.seconds(20), random: 0) == .seconds(20))
    #expect(delay(.seconds(20), random: .max) == .seconds(22))
    #expect(delay(.seconds(86_400), random: 0) == .seconds(60))
    #expect(delay(nil, random: .max) == .seconds(1))
    #expect(delay(.seconds(-4), random: .max) == .seconds(1))
  }

  @Test func extremesDoNotTrap() {
    let longest = Duration.milliseconds(Int64.max)
    #expect(Backoff.delay(attempt: .max, base: longest, cap: longest, random: .max) == longest)
    #expect(Backoff.delay(attempt: .min, base: .seconds(-1), cap: .seconds(-1), random: .max) == .zero)
    let wait = Backoff.delay(
      attempt: 1, base: .zero, cap: .zero, retryAfter: longest, maximumRetryAfter: longest, random: .max)
    #expect(wait >= longest)
  }
}

@Suite(.timeLimit(.minutes(4)))
struct PollScheduleTests {
  private let schedule = PollSchedule(first: .seconds(5))

  @Test(arguments: [(Int64(0), Int64(5)), (-100, 5), (50, 5), (100, 10), (300, 30), (600, 60), (86_400, 60)])
  func growsWithAge(age: Int64, interval: Int64) {
    #expect(schedule.interval(age: .seconds(age)) == .seconds(interval))
  }

  @Test func neverPollsWithoutAPause() {
    #expect(PollSchedule(first: .zero, longest: .zero).interval(age: .zero) == .milliseconds(1))
    #expect(PollSchedule(first: .seconds(90), longest: .seconds(60)).interval(age: .seconds(9000)) == .seconds(90))
  }

  @Test func spreadsByATenth() {
    let created = Timestamp(milliseconds: 0)
    let now = Timestamp(milliseconds: 300_000)
    #expect(schedule.next(createdAt: created, now: now, random: 0) == Timestamp(milliseconds: 330_000))
    #expect(schedule.next(createdAt: created, now: now, random: .max) == Timestamp(milliseconds: 327_000))
  }
}
