import Testing

@testable import AMQP

@Suite("Backoff", .timeLimit(.minutes(4)))
struct BackoffTests {
  @Test func doublesUpToTenSecondsWithJitter() {
    var backoff = Backoff()
    var random = SplitMix(state: 1)
    var ceiling = Duration.milliseconds(100)
    for _ in 0..<12 {
      let delay = backoff.delay(using: &random)
      #expect(delay >= ceiling / 2 && delay <= ceiling)
      ceiling = min(ceiling * 2, .seconds(10))
    }
    #expect(ceiling == .seconds(10))
  }

  @Test func startsAnewOnlyAfterAStableMinute() {
    var backoff = Backoff()
    var random = SplitMix(state: 2)
    for _ in 0..<10 { _ = backoff.delay(using: &random) }
    backoff.connectionEnded(after: .seconds(59))
    #expect(backoff.delay(using: &random) >= .seconds(5))
    backoff.connectionEnded(after: .seconds(60))
    #expect(backoff.delay(using: &random) <= .milliseconds(100))
  }

  @Test func doesNotHammerWhatSomebodyMustRepair() {
    var backoff = Backoff()
    var random = SplitMix(state: 3)
    #expect(backoff.delay(slow: true, using: &random) >= .seconds(5))
  }

  @Test func alarmsUseUpNoTime() {
    var time = ActiveTime()
    let start = ContinuousClock.now
    let before = time.elapsed(now: start)
    time.pause(now: start)
    #expect(time.elapsed(now: start + .seconds(50)) == before)
    time.resume(now: start + .seconds(60))
    #expect(time.elapsed(now: start + .seconds(61)) == before + .seconds(1))
  }
}
