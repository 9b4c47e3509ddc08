import BatchCore
import Testing

private func at(_ milliseconds: Int64) -> Timestamp { Timestamp(milliseconds: milliseconds) }

@Suite(.timeLimit(.minutes(4)))
final class PaceTests {
  private var pace = Pace(now: at(0))
  private var limits = PaceLimits(concurrency: 2, firstPause: .seconds(1), longestPause: .seconds(60))
  private let one = PaceAmount(inputTokens: 10, outputTokens: 10)

  private func reserve(_ now: Int64) -> GateDecision { pace.reserve(one, limits, now: at(now)) }

  private func go(_ now: Int64) throws -> Reservation {
    guard case .continue(let reservation) = reserve(now) else { throw NotLetThrough() }
    return reservation
  }

  private struct NotLetThrough: Error {}

  private func settle(_ reservation: Reservation, _ disposition: Disposition?, _ now: Int64) {
    pace.settle(reservation, CallEnd(disposition), limits, now: at(now), random: .max)
  }

  @Test func boundsWhatIsInFlight() throws {
    let first = try go(0)
    _ = try go(0)
    #expect(reserve(0) == .wait(until: at(1000)))
    #expect(pace.inFlight == 2)
    settle(first, .succeeded, 5)
    _ = try go(5)
  }

  @Test func waitsAsLongAsItIsToldAndNeverLess() throws {
    settle(try go(0), .rateLimited(retryAfter: .seconds(20)), 0)
    #expect(reserve(100) == .wait(until: at(22_000)))
    #expect(reserve(19_999) == .wait(until: at(22_000)))
    _ = try go(22_000)
  }

  @Test func pausesDoubleOncePerRound() throws {
    for (start, pause) in [(Int64(0), Int64(1000)), (1000, 2000), (3000, 4000)] {
      settle(try go(start), .rateLimited(retryAfter: nil), start)
      #expect(reserve(start) == .wait(until: at(start + pause)))
    }
    settle(try go(7000), .succeeded, 7000)
    settle(try go(7000), .rateLimited(retryAfter: nil), 7000)
    #expect(reserve(7000) == .wait(until: at(8000)))
  }

  @Test func aPauseBeyondTheLongestEndsInOneProbe() throws {
    limits.concurrency = 10
    settle(try go(0), .rateLimited(retryAfter: .seconds(600)), 0)
    guard case .wait(let until) = reserve(0) else { throw NotLetThrough() }
    #expect(until >= at(60_000))
    let probe = try go(until.milliseconds)
    #expect(probe.isProbe)
    // Until its answer is there, the others wait.
    guard case .wait = reserve(until.milliseconds) else { throw NotLetThrough() }
    #expect(pace.breaker.cause == .askedTooLong)
    settle(probe, .succeeded, until.milliseconds + 1)
    #expect(try !go(until.milliseconds + 1).isProbe)
  }

  @Test func aClockThatIsSetBackDoesNotStretchAPause() throws {
    settle(try go(0), .rateLimited(retryAfter: .seconds(60)), 0)
    #expect(reserve(-3_600_000) == .wait(until: at(-3_540_000)))
  }

  @Test func aRejectedCallNeverOpensTheBreaker() throws {
    for now in Int64(0)..<100 { settle(try go(now), .rejected, now) }
    #expect(pace.breaker.state == .closed)
  }

  @Test func failuresOpenTheBreakerAndAProbeClosesIt() throws {
    limits.breaker.minimumCalls = 4
    for now in Int64(0)..<4 { settle(try go(now * 1000), .retryable(retryAfter: nil), now * 1000) }
    guard case .refuse(let refusal) = reserve(4000) else { throw NotLetThrough() }
    #expect(refusal.cause == .failures)
    let probe = try go(refusal.until.milliseconds)
    #expect(probe.isProbe)
    settle(probe, .succeeded, refusal.until.milliseconds)
    #expect(pace.breaker.state == .closed)
  }

  @Test func aCallThatWasNotMadeTakesNothing() throws {
    limits.perMinute = [.requests: 60]
    limits.concurrency = 100
    for now in Int64(0)..<20 { settle(try go(now), nil, now) }
  }

  @Test func unusedTokensAreGivenBackAndUnknownOnesAreKept() throws {
    limits.perMinute = [.tokens: 6000]
    limits.concurrency = 100
    let all = PaceAmount(inputTokens: 50, outputTokens: 50)
    func take(_ now: Int64) -> GateDecision { pace.reserve(all, limits, now: at(now)) }
    guard case .continue(let first) = take(0) else { throw NotLetThrough() }
    guard case .wait = take(0) else { throw NotLetThrough() }
    // Nobody knows what it took.
    pace.settle(first, CallEnd(.retryable(retryAfter: nil)), limits, now: at(1), random: 0)
    guard case .wait = take(1) else { throw NotLetThrough() }
    guard case .continue(let second) = take(1100) else { throw NotLetThrough() }
    pace.settle(
      second, CallEnd(.succeeded, used: PaceAmount(inputTokens: 5, outputTokens: 0)), limits, now: at(1101), random: 0)
    guard case .continue = take(1200) else { throw NotLetThrough() }
  }
}
