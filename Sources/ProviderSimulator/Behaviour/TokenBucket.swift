/// One limit a minute: a bucket that fills continuously. Pure; time is in nanoseconds of a monotonic clock.
struct TokenBucket: Sendable {
  private(set) var limit: Int
  /// What it holds when full.
  private(set) var capacity: Double
  /// Below 0 after more was taken than was known beforehand.
  var level: Double
  private var updatedAt: Int

  init(limit: Int, capacity: Double, now: Int) {
    (self.limit, self.capacity) = (limit, capacity)
    (level, updatedAt) = (capacity, now)
  }

  /// What it is now under a limit, of which so many seconds may be used at once. A changed limit begins full.
  static func refill(_ bucket: inout TokenBucket?, limit: Int, burstSeconds: Int, now: Int) {
    guard limit > 0 else { return bucket = nil }
    let capacity = max(1, Double(limit) * Double(max(1, burstSeconds)) / 60)
    guard let before = bucket, before.limit == limit, before.capacity == capacity else {
      return bucket = TokenBucket(limit: limit, capacity: capacity, now: now)
    }
    bucket?.level = min(capacity, before.level + Double(max(0, now - before.updatedAt)) * before.perNanosecond)
    bucket?.updatedAt = max(now, before.updatedAt)
  }

  /// What the headers tell about it.
  var told: RateLimiter.Level {
    RateLimiter.Level(limit: limit, remaining: max(0, Int(level)), resetMilliseconds: milliseconds(until: capacity))
  }

  func milliseconds(until wanted: Double) -> Int {
    max(0, Int(((wanted - level) / perNanosecond / 1e6).rounded(.up)))
  }

  private var perNanosecond: Double { Double(limit) / 60e9 }
}
