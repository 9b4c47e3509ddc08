/// What is configured of an account's pace.
public struct PaceLimits: Hashable, Sendable {
  /// Ceilings a minute. What is not among them is learned from what the provider says.
  public var perMinute: [PaceResource: Int64]
  /// Calls in flight, at most.
  public var concurrency: Int
  /// The first pause after being told to slow down without being told for how long; doubles every time.
  public var firstPause: Duration
  /// The longest pause that is obeyed without asking again.
  public var longestPause: Duration
  public var breaker: CircuitBreaker.Limits

  public init(
    perMinute: [PaceResource: Int64] = [:], concurrency: Int, firstPause: Duration = .seconds(1),
    longestPause: Duration = .seconds(3600), breaker: CircuitBreaker.Limits = CircuitBreaker.Limits()
  ) {
    self.perMinute = perMinute
    self.concurrency = concurrency
    self.firstPause = firstPause
    self.longestPause = longestPause
    self.breaker = breaker
  }

  /// How many calls of such an amount a minute allows; nil without a limit.
  public func callsPerMinute(_ amount: PaceAmount) -> Double? {
    amount.timesPerMinute(within: perMinute.mapValues(Double.init))
  }

  /// For operations on batches, which are few: limits on calls don't concern them, and a few that fail say enough.
  public var forBatches: PaceLimits {
    var limits = self
    limits.perMinute = [:]
    limits.concurrency = 1000
    limits.breaker.minimumCalls = min(breaker.minimumCalls, 3)
    return limits
  }
}
