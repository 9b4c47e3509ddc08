import Testing

@testable import ProviderSimulator

@Suite(.timeLimit(.minutes(4)))
struct TokenLimitTests {
  private let key = RateLimiter.Key(project: "p", model: "m")

  private func refusal(_ decision: RateLimiter.Decision) -> APIError? {
    if case .refused(let error, _) = decision { error } else { nil }
  }

  @Test func inputAndOutputAreApart() {
    var limiter = RateLimiter()
    var behaviour = Behaviour()
    (behaviour.itpm, behaviour.otpm) = (600, 60)
    let demand = RateLimiter.Demand(inputTokens: 100, maximumOutputTokens: 5000)
    guard case .admitted(let levels) = limiter.admit(key, demand, behaviour: behaviour, now: 0) else {
      Issue.record("not admitted")
      return
    }
    #expect(levels.inputTokens == RateLimiter.Level(limit: 600, remaining: 500, resetMilliseconds: 10_000))
    #expect(levels.outputTokens == RateLimiter.Level(limit: 60, remaining: 60, resetMilliseconds: 0))
    #expect(levels.tokens == nil)
    // What came out is known: 30 more than there were.
    limiter.finish(key, outputTokens: 90, behaviour: behaviour)
    let error = refusal(limiter.admit(key, demand, behaviour: behaviour, now: 0))
    #expect(error?.reason == "rate_limit_output_tokens")
    #expect(error?.retryAfterMilliseconds == 31_000)
    #expect(refusal(limiter.admit(key, demand, behaviour: behaviour, now: 31_000_000_000)) == nil)
    let large = RateLimiter.Demand(inputTokens: 601)
    #expect(refusal(limiter.admit(key, large, behaviour: behaviour, now: 0))?.reason == "rate_limit_too_large")
    let many = RateLimiter.Demand(inputTokens: 600)
    #expect(
      refusal(limiter.admit(key, many, behaviour: behaviour, now: 31_000_000_000))?.reason == "rate_limit_input_tokens")
  }

  @Test func whatMayComeOutCountsOrWhatDid() {
    var behaviour = Behaviour()
    behaviour.tpm = 600
    let demand = RateLimiter.Demand(inputTokens: 100, maximumOutputTokens: 300)
    func remaining(_ limiter: inout RateLimiter) -> Int? {
      switch limiter.admit(key, RateLimiter.Demand(inputTokens: 0), behaviour: behaviour, now: 0) {
      case .admitted(let levels), .refused(_, let levels): levels.tokens?.remaining
      }
    }
    for (counts, before, after) in [(true, 300, 300), (false, 500, 460)] {
      var limiter = RateLimiter()
      behaviour.countMaxTokens = counts
      #expect(refusal(limiter.admit(key, demand, behaviour: behaviour, now: 0)) == nil)
      #expect(remaining(&limiter) == before)
      limiter.finish(key, outputTokens: 40, behaviour: behaviour)
      #expect(remaining(&limiter) == after)
    }
  }

  @Test func refusedCallsMayCount() {
    var behaviour = Behaviour()
    (behaviour.rpm, behaviour.burstSeconds, behaviour.countRefused) = (60, 2, true)
    var limiter = RateLimiter()
    for _ in 0..<2 { #expect(refusal(limiter.admit(key, tokens: 1, behaviour: behaviour, now: 0)) == nil) }
    let waits = (0..<5).map { _ in
      refusal(limiter.admit(key, tokens: 1, behaviour: behaviour, now: 0))?.retryAfterMilliseconds
    }
    // Each refusal makes it worse, but not without end.
    #expect(waits == [2000, 3000, 3000, 3000, 3000])
    #expect(refusal(limiter.admit(key, tokens: 1, behaviour: behaviour, now: 3_000_000_000)) == nil)
  }

  @Test func theRateMayGrowSoFast() {
    var behaviour = Behaviour()
    behaviour.slowDownRamp = 10
    var limiter = RateLimiter()
    func admitted(second: Int, of count: Int) -> Int {
      (0..<count).count { index in
        let now = second * 1_000_000_000 + index * 1_000_000
        defer { limiter.finish(key) }
        return refusal(limiter.admit(key, tokens: 1, behaviour: behaviour, now: now)) == nil
      }
    }
    #expect(admitted(second: 5, of: 100) == 10)
    #expect(admitted(second: 6, of: 100) == 20)
    #expect(admitted(second: 7, of: 25) == 25)
    #expect(admitted(second: 8, of: 100) == 35)
    // Two idle seconds: a quarter is remembered.
    #expect(admitted(second: 11, of: 100) == 18)
    let error = refusal(limiter.admit(key, tokens: 1, behaviour: behaviour, now: 11_750_000_000))
    #expect(error?.status == 503)
    #expect(error?.code == "slow_down")
    #expect(error?.type == "rate_limit_error")
    #expect(error?.retryAfterMilliseconds == 250)
    #expect(refusal(limiter.admit(key, tokens: 1, behaviour: behaviour, now: 12_000_000_000)) == nil)
    (behaviour.slowDownStatus, behaviour.slowDownCode) = (429, .serverIsOverloaded)
    #expect(refusal(limiter.admit(key, tokens: 1, behaviour: behaviour, now: 99_000_000_000)) == nil)
    #expect(admitted(second: .max / 2_000_000_000, of: 11) == 10)
  }
}
