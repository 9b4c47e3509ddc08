import BatchCore
import Testing

private func at(_ seconds: Int64) -> Timestamp { Timestamp(milliseconds: seconds * 1000) }

@Suite(.timeLimit(.minutes(4)))
struct CircuitBreakerTests {
  private let limits = CircuitBreaker.Limits(
    failureRatio: 0.5, minimumCalls: 10, window: .seconds(30), open: .seconds(30), longestOpen: .seconds(100),
    probe: .seconds(60))

  private func opened(at now: Int64 = 0) -> CircuitBreaker {
    var breaker = CircuitBreaker()
    breaker.record(calls: 10, failures: 5, limits, now: at(now))
    return breaker
  }

  @Test func opensAtTheRatioAndNotBefore() {
    var breaker = CircuitBreaker()
    breaker.record(calls: 9, failures: 9, limits, now: at(0))
    #expect(breaker.state == .closed)
    breaker.record(calls: 10, failures: 0, limits, now: at(1))
    #expect(breaker.state == .closed)
    breaker.record(calls: 1, failures: 1, limits, now: at(2))
    #expect(breaker.state == .open(.failures, until: at(32)))
  }

  @Test func aProviderThatGoesDownAfterAGoodTimeIsNotGivenAsLongToFail() {
    var breaker = CircuitBreaker()
    for second in Int64(0)..<20 { breaker.record(calls: 10, failures: 0, limits, now: at(second)) }
    for _ in 0..<19 { breaker.record(calls: 1, failures: 1, limits, now: at(20)) }
    #expect(breaker.cause == .failures)
  }

  @Test func someFailuresAmongManyCallsLeaveItClosed() {
    var breaker = CircuitBreaker()
    for call in Int64(0)..<2000 {
      breaker.record(calls: 1, failures: call % 3 == 0 ? 1 : 0, limits, now: Timestamp(milliseconds: call * 10))
    }
    #expect(breaker.state == .closed)
  }

  @Test func forgetsWhatIsOlderThanItsWindow() {
    var breaker = CircuitBreaker()
    breaker.record(calls: 9, failures: 9, limits, now: at(0))
    breaker.record(calls: 9, failures: 1, limits, now: at(31))
    #expect(breaker.state == .closed)
  }

  @Test func oneProbeAtATimeAndItsAnswerCloses() {
    var breaker = opened()
    #expect(breaker.ask(by: 1, limits, now: at(29)) == .refuse(.failures, until: at(30)))
    #expect(breaker.ask(by: 1, limits, now: at(30)) == .probe)
    #expect(breaker.ask(by: 2, limits, now: at(31)) == .refuse(.failures, until: at(90)))
    // Another's word does not count.
    breaker.probeEnded(.answered, by: 2, limits, now: at(32))
    #expect(breaker.state != .closed)
    breaker.probeEnded(.answered, by: 1, limits, now: at(33))
    #expect(breaker.state == .closed)
    #expect(breaker.ask(by: 2, limits, now: at(33)) == .closed)
  }

  @Test func aProbeThatFailsDoublesThePauseUpToTheLongest() {
    var breaker = opened()
    var now: Int64 = 30
    for pause in [Int64(60), 100, 100] {
      #expect(breaker.ask(by: 1, limits, now: at(now)) == .probe)
      breaker.probeEnded(.failed(.failures), by: 1, limits, now: at(now))
      #expect(breaker.state == .open(.failures, until: at(now + pause)))
      now += pause
    }
  }

  @Test func aProbeOfWhichNobodyHearsIsFollowedByAnother() {
    var breaker = opened()
    #expect(breaker.ask(by: 1, limits, now: at(30)) == .probe)
    #expect(breaker.ask(by: 2, limits, now: at(90)) == .probe)
    // The first one's answer comes too late to count.
    breaker.probeEnded(.failed(.failures), by: 1, limits, now: at(91))
    breaker.probeEnded(.answered, by: 2, limits, now: at(92))
    #expect(breaker.state == .closed)
  }

  @Test func aFaultOpensAtOnceAndOutranksFailures() {
    var breaker = CircuitBreaker()
    breaker.fault(.fault(.billing), limits, now: at(0))
    #expect(breaker.state == .open(.fault(.billing), until: at(30)))
    // Calls that were in flight with it don't prolong it.
    breaker.fault(.fault(.billing), limits, now: at(20))
    #expect(breaker.state == .open(.fault(.billing), until: at(30)))
    breaker.close()
    #expect(breaker.ask(by: 1, limits, now: at(1)) == .closed)
  }

  @Test func knowsSinceWhenItIsNotClosed() {
    var breaker = opened(at: 10)
    #expect(breaker.openedAt == at(10))
    #expect(breaker.ask(by: 1, limits, now: at(40)) == .probe)
    breaker.probeEnded(.failed(.fault(.billing)), by: 1, limits, now: at(41))
    // Another reason, but no day on which it was well.
    #expect(breaker.openedAt == at(10))
    breaker.close()
    #expect(breaker.openedAt == nil)
    breaker.fault(.fault(.unauthorised), limits, now: at(50))
    #expect(breaker.openedAt == at(50))
  }

  @Test func aClockThatIsSetBackDoesNotKeepItOpen() {
    var breaker = opened(at: 3600)
    #expect(breaker.ask(by: 1, limits, now: at(0)) == .refuse(.failures, until: at(100)))
    #expect(breaker.ask(by: 1, limits, now: at(100)) == .probe)
  }
}
