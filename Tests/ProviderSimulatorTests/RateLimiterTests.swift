import Testing

@testable import ProviderSimulator

@Suite(.timeLimit(.minutes(4)))
struct RateLimiterTests {
  private let key = RateLimiter.Key(project: "p", model: "m")

  private func refusal(_ decision: RateLimiter.Decision) -> APIError? {
    if case .refused(let error, _) = decision { error } else { nil }
  }

  @Test func requestsRefillContinuously() {
    var limiter = RateLimiter()
    var behaviour = Behaviour()
    (behaviour.rpm, behaviour.burstSeconds) = (60, 2)
    #expect(refusal(limiter.admit(key, tokens: 1, behaviour: behaviour, now: 0)) == nil)
    #expect(refusal(limiter.admit(key, tokens: 1, behaviour: behaviour, now: 0)) == nil)
    let error = refusal(limiter.admit(key, tokens: 1, behaviour: behaviour, now: 0))
    #expect(error?.status == 429)
    #expect(error?.code == "rate_limit_exceeded")
    #expect(error?.retryAfterMilliseconds == 1000)
    #expect(refusal(limiter.admit(key, tokens: 1, behaviour: behaviour, now: 999_000_000))?.retryAfterMilliseconds == 1)
    #expect(refusal(limiter.admit(key, tokens: 1, behaviour: behaviour, now: 1_000_000_000)) == nil)
    let other = RateLimiter.Key(project: "p", model: "n")
    #expect(refusal(limiter.admit(other, tokens: 1, behaviour: behaviour, now: 1_000_000_000)) == nil)
  }

  @Test func whoWaitsAsToldIsAdmitted() {
    var limiter = RateLimiter()
    var behaviour = Behaviour()
    (behaviour.rpm, behaviour.tpm, behaviour.burstSeconds) = (700, 9000, 1)
    var now = 0
    var admitted = 0
    for _ in 0..<2000 {
      guard let error = refusal(limiter.admit(key, tokens: 17, behaviour: behaviour, now: now)) else {
        admitted += 1
        continue
      }
      now += (error.retryAfterMilliseconds ?? 0) * 1_000_000
      #expect(refusal(limiter.admit(key, tokens: 17, behaviour: behaviour, now: now)) == nil)
      admitted += 1
    }
    // The tokens are what binds: 9000 / 17 a minute, and a burst of 150 tokens.
    let allowed = Double(now) / 60e9 * 9000 / 17 + 150 / 17
    #expect(abs(Double(admitted) - allowed) < 3, "\(admitted) of \(allowed)")
  }

  @Test func tokensAndHeaders() {
    var limiter = RateLimiter()
    var behaviour = Behaviour()
    behaviour.tpm = 600
    guard case .admitted(let levels) = limiter.admit(key, tokens: 100, behaviour: behaviour, now: 0) else {
      Issue.record("not admitted")
      return
    }
    #expect(levels.requests == nil)
    #expect(levels.tokens == RateLimiter.Level(limit: 600, remaining: 500, resetMilliseconds: 10_000))
    #expect(refusal(limiter.admit(key, tokens: 601, behaviour: behaviour, now: 0))?.retryAfterMilliseconds == nil)
    #expect(refusal(limiter.admit(key, tokens: 510, behaviour: behaviour, now: 0))?.retryAfterMilliseconds == 1000)
  }

  @Test func concurrency() {
    var limiter = RateLimiter()
    var behaviour = Behaviour()
    behaviour.concurrency = 2
    #expect(refusal(limiter.admit(key, tokens: 1, behaviour: behaviour, now: 0)) == nil)
    #expect(refusal(limiter.admit(key, tokens: 1, behaviour: behaviour, now: 0)) == nil)
    #expect(refusal(limiter.admit(key, tokens: 1, behaviour: behaviour, now: 0))?.reason == "rate_limit_concurrency")
    limiter.finish(key)
    #expect(refusal(limiter.admit(key, tokens: 1, behaviour: behaviour, now: 0)) == nil)
    for _ in 0..<5 { limiter.finish(key) }
    #expect(refusal(limiter.admit(key, tokens: 1, behaviour: behaviour, now: 0)) == nil)
  }

  @Test func changedLimitsApplyAtOnce() {
    var limiter = RateLimiter()
    var behaviour = Behaviour()
    behaviour.rpm = 1
    #expect(refusal(limiter.admit(key, tokens: 1, behaviour: behaviour, now: 0)) == nil)
    #expect(refusal(limiter.admit(key, tokens: 1, behaviour: behaviour, now: 0)) != nil)
    behaviour.rpm = 100
    #expect(refusal(limiter.admit(key, tokens: 1, behaviour: behaviour, now: 0)) == nil)
    behaviour.rpm = 0
    #expect(limiter.admit(key, tokens: 1, behaviour: behaviour, now: 0) == .admitted(RateLimiter.Levels()))
  }
}

extension RateLimiter {
  /// A call that does not say how much may come out.
  mutating func admit(_ key: Key, tokens: Int, behaviour: Behaviour, now: Int) -> Decision {
    admit(key, Demand(inputTokens: tokens), behaviour: behaviour, now: now)
  }
}
