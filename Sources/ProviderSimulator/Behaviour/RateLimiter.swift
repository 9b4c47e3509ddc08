/// The limits of calls a minute and tokens a minute of one key and model, and of calls at a time.
///
/// Each limit is a bucket that fills continuously and holds the limit times `burst_seconds` / 60. A call that does not
/// fit takes nothing. Pure: time is passed in, in nanoseconds of a monotonic clock.
struct RateLimiter: Sendable {
  struct Key: Hashable, Sendable {
    var project: String
    var model: String
  }

  /// What the headers of an answer tell about one limit.
  struct Level: Hashable, Sendable {
    var limit: Int
    var remaining: Int
    /// Milliseconds until the bucket is full.
    var resetMilliseconds: Int
  }

  struct Levels: Hashable, Sendable {
    var requests: Level?
    var tokens: Level?
  }

  enum Decision: Hashable, Sendable {
    case admitted(Levels)
    case refused(APIError, Levels)
  }

  private struct Bucket {
    var level: Double
    var updatedAt: Int
    var limit: Int
    var capacity: Double

    init(limit: Int, capacity: Double, now: Int) {
      (self.limit, self.capacity) = (limit, capacity)
      (level, updatedAt) = (capacity, now)
    }

    var perNanosecond: Double { Double(limit) / 60e9 }

    mutating func refill(_ limit: Int, _ capacity: Double, _ now: Int) {
      if limit != self.limit || capacity != self.capacity { self = Bucket(limit: limit, capacity: capacity, now: now) }
      level = min(capacity, level + Double(max(0, now - updatedAt)) * perNanosecond)
      updatedAt = now
    }

    func milliseconds(until wanted: Double) -> Int {
      max(0, Int(((wanted - level) / perNanosecond / 1e6).rounded(.up)))
    }

    var told: Level {
      Level(limit: limit, remaining: max(0, Int(level)), resetMilliseconds: milliseconds(until: capacity))
    }
  }

  private struct Account {
    var requests: Bucket?
    var tokens: Bucket?
    var inFlight = 0
  }

  private var accounts: [Key: Account] = [:]
  static let mostAccounts = 10_000

  /// Asks for one call. An admitted call must be given back with ``finish(_:)``.
  mutating func admit(_ key: Key, tokens: Int, behaviour: Behaviour, now: Int) -> Decision {
    guard behaviour.rpm > 0 || behaviour.tpm > 0 || behaviour.concurrency > 0 else { return .admitted(Levels()) }
    if accounts.count >= Self.mostAccounts { accounts = accounts.filter { $0.value.inFlight > 0 } }
    var account = accounts[key] ?? Account()
    defer { accounts[key] = account }
    Self.refill(&account.requests, behaviour.rpm, behaviour.burstSeconds, now)
    Self.refill(&account.tokens, behaviour.tpm, behaviour.burstSeconds, now)
    if let bucket = account.tokens, Double(tokens) > bucket.capacity {
      return .refused(.tooLarge(model: key.model, limit: bucket.limit, tokens: tokens), Self.levels(account))
    }
    if behaviour.concurrency > 0, account.inFlight >= behaviour.concurrency {
      return .refused(.tooManyAtOnce(model: key.model, limit: behaviour.concurrency), Self.levels(account))
    }
    if let bucket = account.requests, bucket.level < 1 {
      let wait = bucket.milliseconds(until: 1)
      return .refused(
        .rateLimited("requests", "RPM", key.model, bucket.limit, needs: 1, wait: wait), Self.levels(account))
    }
    if let bucket = account.tokens, bucket.level < Double(tokens) {
      let wait = bucket.milliseconds(until: Double(tokens))
      return .refused(
        .rateLimited("tokens", "TPM", key.model, bucket.limit, needs: tokens, wait: wait), Self.levels(account))
    }
    account.requests?.level -= 1
    account.tokens?.level -= Double(tokens)
    account.inFlight += 1
    return .admitted(Self.levels(account))
  }

  /// Gives back the place of a call that was admitted.
  mutating func finish(_ key: Key) {
    guard let inFlight = accounts[key]?.inFlight, inFlight > 0 else { return }
    accounts[key]?.inFlight = inFlight - 1
  }

  private static func refill(_ bucket: inout Bucket?, _ limit: Int, _ seconds: Int, _ now: Int) {
    guard limit > 0 else { return bucket = nil }
    let capacity = max(1, Double(limit) * Double(max(1, seconds)) / 60)
    if bucket == nil { bucket = Bucket(limit: limit, capacity: capacity, now: now) }
    bucket?.refill(limit, capacity, now)
  }

  private static func levels(_ account: Account) -> Levels {
    Levels(requests: account.requests?.told, tokens: account.tokens?.told)
  }
}

extension APIError {
  fileprivate static func rateLimited(
    _ type: String, _ unit: String, _ model: String, _ limit: Int, needs: Int, wait: Int
  ) -> APIError {
    APIError(
      status: 429,
      message: "Rate limit reached for \(model) on \(type) per min (\(unit)): Limit \(limit), Requested \(needs). "
        + "Please try again in \(GoDuration.text(milliseconds: wait)).",
      type: type, code: "rate_limit_exceeded", retryAfterMilliseconds: wait, reason: "rate_limit_\(type)")
  }

  fileprivate static func tooLarge(model: String, limit: Int, tokens: Int) -> APIError {
    APIError(
      status: 429,
      message: "Request too large for \(model) on tokens per min (TPM): Limit \(limit), Requested \(tokens).",
      type: "tokens", code: "rate_limit_exceeded", reason: "rate_limit_too_large")
  }

  fileprivate static func tooManyAtOnce(model: String, limit: Int) -> APIError {
    APIError(
      status: 429, message: "Too many requests at a time for \(model): Limit \(limit).", type: "requests",
      code: "rate_limit_exceeded", retryAfterMilliseconds: 100, reason: "rate_limit_concurrency")
  }
}
