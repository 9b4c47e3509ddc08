/// What batches of one account and model have taught about its limits. Pure; time and chance are passed in.
public struct BatchLessons: Hashable, Sendable {
  /// The cap on enqueued tokens that the provider named.
  public private(set) var namedCap: Int64?
  private var namedAt = Timestamp(milliseconds: 0)
  /// What is believed of the cap where a sum below the named one was refused, or none was named.
  public private(set) var bound: Int64?
  private var boundAt = Timestamp(milliseconds: 0)
  /// How often in a row a batch was refused for enqueued tokens, and until when none is tried unless something ends.
  private var refusals: Int64 = 0
  private var refusedUntil: Timestamp?
  private var enqueuedAtRefusal: Int64 = 0
  /// Input tokens that the provider counts over those that were estimated, in thousandths.
  private var tokenRatio: Int64 = 1000
  /// What an estimated token of a batch is taken for, in thousandths, where a refusal named the cap and no batch has come
  /// home that tells.
  private var assumedFactor: Int64?
  private var assumedAt = Timestamp(milliseconds: 0)
  /// The same by those that came home: the most of the latest, and some more.
  private var measuredFactor: Int64?
  /// The largest batch that is built, after one above it was refused for its size.
  public private(set) var largestRows: Int64?
  public private(set) var largestBytes: Int64?

  private static let ratios: ClosedRange<Int64> = 250...4000
  private static let factors: ClosedRange<Int64> = 250...8000
  /// The next batch is not quite as the last one was.
  private static let headroom = 1.05
  /// A short request says little of the next one.
  private static let tellingTokens: Int64 = 1000
  private static let trust = Duration.seconds(86_400)
  private static let growth = Duration.seconds(600)
  private static let firstPause = Duration.seconds(5)
  private static let longestPause = Duration.seconds(600)

  public init() {}

  // MARK: What follows

  private var factor: Int64 { measuredFactor ?? assumedFactor ?? tokenRatio }

  /// Estimated tokens of batches as what they take of the cap: with all that they may be more by what is known.
  public func scaled(_ tokens: Int64) -> Int64 { Self.share(max(0, tokens), factor, of: 1000, roundsUp: true) }

  /// Estimated tokens as the provider is expected to count them.
  public func expected(_ tokens: Int64) -> Int64 { Self.share(max(0, tokens), tokenRatio, of: 1000, roundsUp: true) }

  /// As many estimated tokens as the provider is expected to count so many of.
  public func estimated(_ tokens: Int64) -> Int64 {
    max(1, Self.share(max(0, tokens), 1000, of: tokenRatio, roundsUp: false))
  }

  /// Tokens that the provider counts for each estimated one.
  public var ratio: Double { Double(tokenRatio) / 1000 }

  /// What may be enqueued, by what was learned and what is configured; nil while nothing is known.
  public func cap(_ limits: BatchLimits) -> Int64? { [limits.enqueuedTokens, namedCap, bound].compactMap { $0 }.min() }

  /// The largest batch that is built, in estimated tokens: two of them fit below the cap, so that one runs while another is
  /// brought home. While tokens count for the most that they may be it is one, so that what is built meanwhile is not small.
  ///
  /// - Parameter stuck: Of the cap, what may stay taken for good.
  public func largestTokens(_ limits: BatchLimits, stuck: Int64 = 0) -> Int64? {
    let share: Int64 = measuredFactor == nil && assumedFactor != nil ? 1000 : 500
    return cap(limits).map { max(1, Self.share(Self.room($0, stuck: stuck), share, of: factor, roundsUp: false)) }
  }

  /// What of the cap there is for batches that end; some in any case.
  static func room(_ cap: Int64, stuck: Int64) -> Int64 { max(cap - max(0, stuck), cap / 4) }

  /// Until when nothing is tried after a refusal, unless a batch has ended since.
  func pause(_ usage: BatchUsage, now: Timestamp) -> Timestamp? {
    guard let refusedUntil, now < refusedUntil, usage.enqueuedTokens >= enqueuedAtRefusal else { return nil }
    // A clock that was set back holds nothing.
    return refusedUntil - now > Self.longestPause ? nil : refusedUntil
  }

  // MARK: What is learned

  /// A batch of so many tokens was refused while others had some enqueued, both scaled. Failed batches keep counting for a
  /// while.
  ///
  /// What the name of the cap leaves open is how many tokens the provider counts for each of ours. Until a batch comes home
  /// that tells, ours count as twice as many as they are at the least by what was refused: at most half of the cap is used,
  /// and nothing that counts for less than twice as much is refused again. Each further refusal doubles that.
  public mutating func refusedTokens(
    named: Int64?, own: Int64, others: Int64, now: Timestamp, random: UInt64
  ) {
    if let named, named > 0 { (namedCap, namedAt) = (named, now) }
    let (sum, overflow) = own.addingReportingOverflow(others)
    // Where the provider counts as we do, what it names says it all. Else what was refused is not tried again; what the
    // others have was accepted.
    if !overflow, sum <= namedCap ?? .max, sum <= bound ?? .max {
      bound = max(1, others, Self.share(sum, 4, of: 5, roundsUp: false))
      boundAt = now
    }
    let before = factor
    if measuredFactor == nil, let namedCap { assume(refused: overflow ? .max : sum, above: namedCap, now: now) }
    // A clock that was set back knows of no pause.
    if let until = refusedUntil, until - now > Self.longestPause { refusedUntil = nil }
    // Those that were on their way together are refused together.
    if refusedUntil.map({ now >= $0 }) ?? true { refusals = min(refusals + 1, 16) }
    let most = Backoff.ceiling(attempt: Int(refusals), base: Self.firstPause, cap: Self.longestPause)
    let until = now + (most / 2 + Backoff.spread(below: most / 2, random: random))
    refusedUntil = max(refusedUntil ?? until, until)
    enqueuedAtRefusal = Self.share(max(0, others), factor, of: before, roundsUp: false)
  }

  private mutating func assume(refused sum: Int64, above cap: Int64, now: Timestamp) {
    let before = factor
    assumedAt = now
    if let assumedFactor {
      // What was on its way together says it once.
      if sum <= cap { self.assumedFactor = min(assumedFactor * 2, Self.factors.upperBound) }
    } else {
      assumedFactor = min(Self.share(tokenRatio * 2, max(cap, sum), of: sum, roundsUp: true), Self.factors.upperBound)
    }
    rescaleBound(from: before)
  }

  /// Nothing is assumed for longer than batches run: a provider that never reports its counts would be given half of what it
  /// takes for good.
  public mutating func expire(at now: Timestamp) {
    guard assumedFactor != nil, now - assumedAt >= Self.trust || assumedAt - now >= Self.trust else { return }
    let before = factor
    assumedFactor = nil
    rescaleBound(from: before)
  }

  /// What was refused says something of estimated tokens, whatever they are taken for afterwards.
  private mutating func rescaleBound(from before: Int64) {
    bound = bound.map { max(1, Self.share($0, factor, of: before, roundsUp: false)) }
  }

  /// A batch was not refused: where it was near the bound more is dared, a little at a time.
  public mutating func ran(own: Int64, others: Int64, now: Timestamp) {
    refusals = 0
    refusedUntil = nil
    let (sum, overflow) = own.addingReportingOverflow(others)
    func isNear(_ cap: Int64) -> Bool { overflow || sum >= Self.share(cap, 3, of: 4, roundsUp: false) }
    // Limits of accounts are raised now and then, and nobody says so: once a day a little more than the named one is dared.
    if bound == nil, let named = namedCap, isNear(named), now - namedAt >= Self.trust || now < namedAt {
      namedCap = nil
      bound = named.addingSaturated(max(1, named / 10))
      boundAt = now
      return
    }
    guard let bound, now - boundAt >= Self.growth || now < boundAt else { return }
    guard isNear(bound) else { return }
    let more = bound.addingSaturated(max(1, bound / 10))
    boundAt = now
    self.bound = namedCap.map { more >= $0 } ?? false ? nil : more
  }

  /// The provider counted so many input tokens where so many had been estimated.
  ///
  /// - Parameter inBatch: Calls are other requests than batches hold, and say nothing of what those take of the cap.
  public mutating func measured(reported: Int64, estimated: Int64, inBatch: Bool) {
    guard reported > 0, estimated > 0 else { return }
    let before = factor
    let sample = min(max(Double(reported) / Double(estimated) * 1000, 1), 1_000_000)
    // Of a batch that says something, more than was thought counts at once and less slowly: what is too much is refused,
    // what is too little is only slower.
    let weight = sample > Double(tokenRatio) && estimated >= Self.tellingTokens ? 1.0 : 0.25
    let ratio = Int64((Double(tokenRatio) + (sample - Double(tokenRatio)) * weight).rounded(.up))
    tokenRatio = min(max(ratio, Self.ratios.lowerBound), Self.ratios.upperBound)
    if inBatch { see(sample, telling: telling(estimated)) }
    rescaleBound(from: before)
    // The count explains what was refused.
    if inBatch, measuredFactor != nil, let bound, let namedCap, bound >= namedCap { self.bound = nil }
  }

  private mutating func see(_ sample: Double, telling: Double) {
    // However odd it is, it is no more than this; without a cap nothing asks for much.
    let most = cap(BatchLimits()) == nil ? 2 * tokenRatio : Self.factors.upperBound
    let seen = min(sample * Self.headroom, Double(min(most, Self.factors.upperBound)))
    if let measuredFactor {
      self.measuredFactor = Self.moved(
        measuredFactor, to: seen, by: Int64(seen) < measuredFactor ? telling / 4 : telling)
    } else if telling < 1 {
      assumedFactor = assumedFactor.map { Self.moved($0, to: seen, by: telling) }
    } else {
      // What runs meanwhile may be unlike the first that came home.
      measuredFactor = Self.moved(0, to: max(seen, Double(assumedFactor ?? 0) / 2), by: 1)
      assumedFactor = nil
    }
  }

  /// How much a batch of so many tokens says of others: everything where it is a good part of all that fit, however few those
  /// are. One odd request that is a batch by itself says next to nothing.
  private func telling(_ estimated: Int64) -> Double {
    let whole = cap(BatchLimits()).map { Self.share($0, 1000, of: factor, roundsUp: false) / 16 } ?? Self.tellingTokens
    return min(1, Double(estimated) / Double(max(1, whole)))
  }

  private static func moved(_ factor: Int64, to seen: Double, by part: Double) -> Int64 {
    let moved = Double(factor) + (seen - Double(factor)) * part
    return Int64(min(max(moved.rounded(.up), Double(factors.lowerBound)), Double(factors.upperBound)))
  }

  /// So many rows were too many.
  public mutating func refusedRows(_ rows: Int64, named: Int64?) {
    largestRows = Self.smaller(than: rows, named: named, known: largestRows)
  }

  /// A file of so many bytes was too large.
  public mutating func refusedBytes(_ bytes: Int64, named: Int64?) {
    largestBytes = Self.smaller(than: bytes, named: named, known: largestBytes)
  }

  /// The limit that was named if it explains the refusal, else half of what was refused.
  private static func smaller(than refused: Int64, named: Int64?, known: Int64?) -> Int64 {
    let limit = named.flatMap { $0 > 0 && $0 < refused ? $0 : nil } ?? max(1, refused / 2)
    return min(known ?? limit, limit)
  }

  /// `value * part / whole` of numbers above nothing; saturates.
  private static func share(_ value: Int64, _ part: Int64, of whole: Int64, roundsUp: Bool) -> Int64 {
    let product = UInt64(max(0, value)).multipliedFullWidth(by: UInt64(max(0, part)))
    let whole = UInt64(max(1, whole))
    guard product.high < whole else { return .max }
    let (quotient, remainder) = whole.dividingFullWidth(product)
    return Int64(clamping: quotient).addingSaturated(roundsUp && remainder > 0 ? 1 : 0)
  }
}

// MARK: - As it is kept

extension BatchLessons {
  /// What is kept of it, by name: numbers that an operator can read.
  public enum Fact: String, CaseIterable, Sendable {
    case namedCap = "enqueued_cap"
    case namedAt = "enqueued_cap_at"
    case bound = "enqueued_bound"
    case boundAt = "enqueued_bound_at"
    case refusals = "enqueued_refusals"
    case refusedUntil = "enqueued_refused_until"
    case enqueuedAtRefusal = "enqueued_at_refusal"
    case tokenRatio = "token_ratio_thousandths"
    case assumedFactor = "assumed_token_factor_thousandths"
    case assumedAt = "assumed_token_factor_at"
    case measuredFactor = "batch_token_factor_thousandths"
    case largestRows = "largest_rows"
    case largestBytes = "largest_bytes"
  }

  public init(_ facts: [Fact: Int64]) {
    namedCap = facts[.namedCap]
    namedAt = Timestamp(milliseconds: facts[.namedAt] ?? 0)
    bound = facts[.bound]
    boundAt = Timestamp(milliseconds: facts[.boundAt] ?? 0)
    refusals = min(max(0, facts[.refusals] ?? 0), 16)
    refusedUntil = facts[.refusedUntil].map { Timestamp(milliseconds: $0) }
    enqueuedAtRefusal = facts[.enqueuedAtRefusal] ?? 0
    tokenRatio = min(max(facts[.tokenRatio] ?? 1000, Self.ratios.lowerBound), Self.ratios.upperBound)
    func factor(_ fact: Fact) -> Int64? {
      facts[fact].map { min(max($0, Self.factors.lowerBound), Self.factors.upperBound) }
    }
    (assumedFactor, measuredFactor) = (factor(.assumedFactor), factor(.measuredFactor))
    assumedAt = Timestamp(milliseconds: facts[.assumedAt] ?? 0)
    largestRows = facts[.largestRows].map { max(1, $0) }
    largestBytes = facts[.largestBytes].map { max(1, $0) }
  }

  public var facts: [Fact: Int64] {
    var facts: [Fact: Int64] = [:]
    facts[.namedCap] = namedCap
    if namedCap != nil { facts[.namedAt] = namedAt.milliseconds }
    facts[.bound] = bound
    if bound != nil { facts[.boundAt] = boundAt.milliseconds }
    if refusals > 0 { facts[.refusals] = refusals }
    facts[.refusedUntil] = refusedUntil?.milliseconds
    if refusedUntil != nil { facts[.enqueuedAtRefusal] = enqueuedAtRefusal }
    if tokenRatio != 1000 { facts[.tokenRatio] = tokenRatio }
    facts[.assumedFactor] = assumedFactor
    if assumedFactor != nil { facts[.assumedAt] = assumedAt.milliseconds }
    facts[.measuredFactor] = measuredFactor
    facts[.largestRows] = largestRows
    facts[.largestBytes] = largestBytes
    return facts
  }
}
