/// The limits of calls and tokens a minute of one key and model, of calls at a time, and of the growth of their rate.
///
/// Each limit a minute is a bucket that holds the limit times `burst_seconds` / 60. A call that does not fit takes
/// nothing, unless refusals count. Pure: time is passed in, in nanoseconds of a monotonic clock.
struct RateLimiter: Sendable {
  struct Key: Hashable, Sendable {
    var project: String
    var model: String
  }

  /// What a call asks for.
  struct Demand: Hashable, Sendable {
    var inputTokens: Int
    /// The most that may come out, over all choices; 0 if the call does not say.
    var maximumOutputTokens = 0

    /// What `tpm` counts before the answer is known.
    func tokens(_ behaviour: Behaviour) -> Int {
      behaviour.countMaxTokens ? max(inputTokens, maximumOutputTokens) : inputTokens
    }
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
    var inputTokens: Level?
    var outputTokens: Level?
  }

  enum Decision: Hashable, Sendable {
    case admitted(Levels)
    case refused(APIError, Levels)
  }

  private struct Account {
    var requests: TokenBucket?
    var tokens: TokenBucket?
    var inputTokens: TokenBucket?
    var outputTokens: TokenBucket?
    var ramp = RampLimit()
    var inFlight = 0

    var levels: Levels {
      Levels(
        requests: requests?.told, tokens: tokens?.told, inputTokens: inputTokens?.told, outputTokens: outputTokens?.told
      )
    }
  }

  private var accounts: [Key: Account] = [:]
  static let mostAccounts = 10_000

  /// Asks for one call. An admitted call must be given back with ``finish(_:outputTokens:behaviour:)``.
  mutating func admit(_ key: Key, _ demand: Demand, behaviour: Behaviour, now: Int) -> Decision {
    guard
      behaviour.rpm > 0 || behaviour.tpm > 0 || behaviour.itpm > 0 || behaviour.otpm > 0 || behaviour.concurrency > 0
        || behaviour.slowDownRamp > 0
    else { return .admitted(Levels()) }
    if accounts.count >= Self.mostAccounts { accounts = accounts.filter { $0.value.inFlight > 0 } }
    var account = accounts[key] ?? Account()
    defer { accounts[key] = account }
    let burst = behaviour.burstSeconds
    TokenBucket.refill(&account.requests, limit: behaviour.rpm, burstSeconds: burst, now: now)
    TokenBucket.refill(&account.tokens, limit: behaviour.tpm, burstSeconds: burst, now: now)
    TokenBucket.refill(&account.inputTokens, limit: behaviour.itpm, burstSeconds: burst, now: now)
    TokenBucket.refill(&account.outputTokens, limit: behaviour.otpm, burstSeconds: burst, now: now)
    if let error = Self.refusal(&account, key.model, demand, behaviour, now) {
      guard behaviour.countRefused, let bucket = account.requests else { return .refused(error, account.levels) }
      account.requests?.level = max(-bucket.capacity, bucket.level - 1)
      // Asked again, so that the wait that is told is the one that this refusal makes.
      return .refused(Self.refusal(&account, key.model, demand, behaviour, now) ?? error, account.levels)
    }
    account.requests?.level -= 1
    account.tokens?.level -= Double(demand.tokens(behaviour))
    account.inputTokens?.level -= Double(demand.inputTokens)
    if behaviour.slowDownRamp > 0 { account.ramp.take(now: now) }
    account.inFlight += 1
    return .admitted(account.levels)
  }

  /// Gives back the place of a call that was admitted, and counts what came out where that is what counts.
  mutating func finish(_ key: Key, outputTokens: Int = 0, behaviour: Behaviour = Behaviour()) {
    guard let account = accounts[key], account.inFlight > 0 else { return }
    accounts[key]?.inFlight = account.inFlight - 1
    accounts[key]?.outputTokens?.level -= Double(outputTokens)
    if !behaviour.countMaxTokens { accounts[key]?.tokens?.level -= Double(outputTokens) }
  }

  private static func refusal(
    _ account: inout Account, _ model: String, _ demand: Demand, _ behaviour: Behaviour, _ now: Int
  ) -> APIError? {
    if behaviour.slowDownRamp > 0, let wait = account.ramp.wait(ramp: behaviour.slowDownRamp, now: now) {
      return behaviour.slowDownCode.error(status: behaviour.slowDownStatus, wait: wait)
    }
    let tokens = demand.tokens(behaviour)
    let sized = [(LimitKind.tokens, account.tokens, tokens), (.inputTokens, account.inputTokens, demand.inputTokens)]
    for (kind, bucket, needs) in sized {
      guard let bucket, Double(needs) > bucket.capacity else { continue }
      return .tooLarge(kind, model: model, limit: bucket.limit, needs: needs)
    }
    if behaviour.concurrency > 0, account.inFlight >= behaviour.concurrency {
      return .tooManyAtOnce(model: model, limit: behaviour.concurrency)
    }
    let all =
      [(LimitKind.requests, account.requests, 1)] + sized + [(.outputTokens, account.outputTokens, 1)]
    for (kind, bucket, needs) in all {
      guard let bucket, bucket.level < Double(needs) else { continue }
      return .rateLimited(kind, model: model, bucket, needs: needs)
    }
    return nil
  }
}
