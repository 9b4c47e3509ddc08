import BatchCore
import Testing

private func at(_ milliseconds: Int64) -> Timestamp { Timestamp(milliseconds: milliseconds) }

@Suite(.timeLimit(.minutes(1)))
final class PaceTests {
  private var pace = Pace(
    Pace.Limits(
      concurrency: 2, firstPause: .seconds(1), longestPause: .seconds(60), firstProbe: .seconds(10)))

  private func reserve(_ now: Int64, account: String = "a", model: String = "m") -> GateDecision {
    pace.reserve(account: account, model: model, now: at(now))
  }

  private func settle(_ disposition: Disposition?, _ now: Int64, account: String = "a", model: String = "m") {
    pace.settle(account: account, model: model, disposition, now: at(now), random: .max)
  }

  @Test func boundsWhatIsInFlight() {
    #expect(reserve(0) == .continue)
    #expect(reserve(0) == .continue)
    #expect(reserve(0) == .wait(until: at(1000)))
    #expect(reserve(0, model: "other") == .continue)
    #expect(pace.inFlight(account: "a", model: "m") == 2)
    settle(.succeeded, 5)
    #expect(reserve(5) == .continue)
    settle(nil, 6)
    settle(.rejected, 6)
    settle(.retryable(retryAfter: nil), 6)
    #expect(pace.inFlight(account: "a", model: "m") == 0)
  }

  @Test func waitsAsLongAsItIsTold() {
    #expect(reserve(0) == .continue)
    settle(.rateLimited(retryAfter: .seconds(20)), 0)
    #expect(reserve(100) == .wait(until: at(22_000)))
    #expect(reserve(100, model: "other") == .continue)
    #expect(reserve(22_000) == .continue)
  }

  @Test func neverWaitsLongerThanTheLongestPause() {
    #expect(reserve(0) == .continue)
    settle(.rateLimited(retryAfter: .seconds(86_400)), 0)
    #expect(reserve(0) == .wait(until: at(60_000)))
    // The clock is set back by an hour.
    #expect(reserve(-3_600_000) == .wait(until: at(-3_540_000)))
  }

  @Test func pausesDoubleOncePerRound() {
    for (start, pause) in [(Int64(0), Int64(1000)), (1000, 2000), (3000, 4000)] {
      #expect(reserve(start) == .continue)
      #expect(reserve(start) == .continue)
      settle(.rateLimited(retryAfter: nil), start)
      settle(.rateLimited(retryAfter: nil), start)
      #expect(reserve(start) == .wait(until: at(start + pause)))
    }
    #expect(reserve(7000) == .continue)
    settle(.succeeded, 7000)
    #expect(reserve(7000) == .continue)
    settle(.rateLimited(retryAfter: nil), 7000)
    #expect(reserve(7000) == .wait(until: at(8000)))
  }

  @Test func aLaterRetryAfterLengthensThePause() {
    #expect(reserve(0) == .continue)
    #expect(reserve(0) == .continue)
    settle(.rateLimited(retryAfter: .seconds(1)), 0)
    settle(.retryable(retryAfter: .seconds(10)), 0)
    #expect(reserve(0) == .wait(until: at(11_000)))
  }

  @Test func aClosedAccountRefusesAllItsModels() {
    #expect(reserve(0) == .continue)
    settle(.accountClosed(.billing), 0)
    #expect(reserve(1) == .refuse(.accountClosed(.billing, probeAt: at(10_000))))
    #expect(reserve(1, model: "other") == .refuse(.accountClosed(.billing, probeAt: at(10_000))))
    #expect(reserve(1, account: "b") == .continue)
  }

  @Test(arguments: [Disposition.succeeded, .rejected, .rateLimited(retryAfter: nil)])
  func oneProbeOpensIt(answer: Disposition) {
    #expect(reserve(0) == .continue)
    settle(.accountClosed(.unauthorised), 0)
    #expect(reserve(10_000, model: "x") == .continue)
    #expect(reserve(10_001) == .refuse(.accountClosed(.unauthorised, probeAt: at(20_001))))
    settle(answer, 10_002, model: "x")
    #expect(reserve(10_003) == .continue)
  }

  @Test(arguments: [Disposition.accountClosed(.billing), .retryable(retryAfter: nil)])
  func aFailedProbeWaitsTwiceAsLong(answer: Disposition) {
    #expect(reserve(0) == .continue)
    settle(.accountClosed(.billing), 0)
    var now: Int64 = 10_000
    for pause in [20_000, 40_000, 60_000, 60_000] as [Int64] {
      #expect(reserve(now) == .continue)
      settle(answer, now)
      #expect(reserve(now) == .refuse(.accountClosed(.billing, probeAt: at(now + pause))))
      now += pause
    }
  }

  @Test func aProbeThatWasNotMadeLeavesThePlaceFree() {
    #expect(reserve(0) == .continue)
    settle(.accountClosed(.billing), 0)
    #expect(reserve(10_000) == .continue)
    settle(nil, 10_000)
    #expect(reserve(10_000) == .continue)
  }

  @Test func manyFailuresAtOnceCountAsOne() {
    #expect(reserve(0) == .continue)
    #expect(reserve(0) == .continue)
    settle(.accountClosed(.billing), 0)
    settle(.accountClosed(.billing), 5)
    #expect(reserve(6) == .refuse(.accountClosed(.billing, probeAt: at(10_000))))
  }

  @Test func settlingTooOftenDoesNotTrap() {
    settle(.succeeded, .max)
    settle(.rateLimited(retryAfter: .milliseconds(Int64.max)), .max)
    #expect(pace.inFlight(account: "a", model: "m") == 0)
  }
}
