import BatchCore

/// A provider in virtual time: buckets by the minute and a number of calls at a time, as the real ones have them, with an
/// answer that comes later. Its counts are the witness.
struct PacedProvider {
  struct Terms {
    var requestsPerMinute = 6000.0
    var tokensPerMinute = 1_000_000.0
    var burstSeconds = 60.0
    var concurrency = Int.max
    var tellsLevels = true
    var isDown: (Int64) -> Bool = { _ in false }
  }

  enum Answer {
    case accepted(PaceObservation?)
    case refused(PaceObservation?, retryAfter: Duration)
    case failed
  }

  let terms: Terms
  private var requests: Double
  private var tokens: Double
  private var updatedAt: Int64
  private(set) var inFlight = 0
  private(set) var mostInFlight = 0
  private(set) var accepted = 0
  private(set) var refused = 0
  private(set) var failed = 0
  /// Acceptances by the second.
  private(set) var timeline: [Int64: Int] = [:]

  init(_ terms: Terms, now: Int64 = 0) {
    self.terms = terms
    requests = terms.requestsPerMinute / 60 * terms.burstSeconds
    tokens = terms.tokensPerMinute / 60 * terms.burstSeconds
    updatedAt = now
  }

  mutating func call(tokens wanted: Double, now: Int64) -> Answer {
    let passed = Double(max(0, now - updatedAt)) / 1000
    updatedAt = max(updatedAt, now)
    requests = min(terms.requestsPerMinute / 60 * terms.burstSeconds, requests + passed * terms.requestsPerMinute / 60)
    tokens = min(terms.tokensPerMinute / 60 * terms.burstSeconds, tokens + passed * terms.tokensPerMinute / 60)
    if terms.isDown(now) {
      failed += 1
      return .failed
    }
    guard requests >= 1, tokens >= wanted, inFlight < terms.concurrency else {
      refused += 1
      let wait = max((1 - requests) / terms.requestsPerMinute, (wanted - tokens) / terms.tokensPerMinute) * 60_000
      return .refused(levels, retryAfter: .milliseconds(Int64(max(100, wait.rounded(.up)))))
    }
    requests -= 1
    tokens -= wanted
    accepted += 1
    inFlight += 1
    mostInFlight = max(mostInFlight, inFlight)
    timeline[now / 1000, default: 0] += 1
    return .accepted(levels)
  }

  mutating func finish() { inFlight -= 1 }

  private var levels: PaceObservation? {
    guard terms.tellsLevels else { return nil }
    return PaceObservation(
      requests: RateLevel(limit: Int64(terms.requestsPerMinute), remaining: Int64(max(0, requests))),
      tokens: RateLevel(limit: Int64(terms.tokensPerMinute), remaining: Int64(max(0, tokens))))
  }
}
