/// What attempts came to: counts, tokens, and money in pico-USD, exact whatever they sum up to.
public struct CostSums: Hashable, Sendable {
  /// Attempts that ended, however they did.
  public var attempts: Int128 = 0
  /// Those of them that may have been paid without anybody having seen their end.
  public var unknown: Int128 = 0
  /// Those of them whose usage is known, but not their price.
  public var unpriced: Int128 = 0
  /// Those of them whose request had its outcome without them.
  public var superseded: Int128 = 0
  public var inputTokens: Int128 = 0
  public var cachedInputTokens: Int128 = 0
  public var cacheWriteTokens: Int128 = 0
  public var outputTokens: Int128 = 0
  /// What is settled, superseded attempts included.
  public var cost: Int128 = 0
  /// What of it superseded attempts cost.
  public var supersededCost: Int128 = 0
  /// What unknown attempts may have cost at most.
  public var held: Int128 = 0
  /// What is settled at the synchronous price, with the prompt cache as it was.
  public var listCost: Int128 = 0
  /// The same without a prompt cache.
  public var fullCost: Int128 = 0
  /// Attempts whose usage is known, and what their input was estimated at before.
  public var answers: Int128 = 0
  public var estimatedTokens: Int128 = 0

  public init() {}

  public static let fields: [any WritableKeyPath<CostSums, Int128> & Sendable] = [
    \.attempts, \.unknown, \.unpriced, \.superseded, \.inputTokens, \.cachedInputTokens, \.cacheWriteTokens,
    \.outputTokens, \.cost, \.supersededCost, \.held, \.listCost, \.fullCost, \.answers, \.estimatedTokens,
  ]

  // Field by field: a report adds up a million of them.
  public static func += (left: inout CostSums, right: CostSums) {
    left.attempts &+= right.attempts
    left.unknown &+= right.unknown
    left.unpriced &+= right.unpriced
    left.superseded &+= right.superseded
    left.inputTokens &+= right.inputTokens
    left.cachedInputTokens &+= right.cachedInputTokens
    left.cacheWriteTokens &+= right.cacheWriteTokens
    left.outputTokens &+= right.outputTokens
    left.cost &+= right.cost
    left.supersededCost &+= right.supersededCost
    left.held &+= right.held
    left.listCost &+= right.listCost
    left.fullCost &+= right.fullCost
    left.answers &+= right.answers
    left.estimatedTokens &+= right.estimatedTokens
  }

  public static func -= (left: inout CostSums, right: CostSums) {
    left.attempts &-= right.attempts
    left.unknown &-= right.unknown
    left.unpriced &-= right.unpriced
    left.superseded &-= right.superseded
    left.inputTokens &-= right.inputTokens
    left.cachedInputTokens &-= right.cachedInputTokens
    left.cacheWriteTokens &-= right.cacheWriteTokens
    left.outputTokens &-= right.outputTokens
    left.cost &-= right.cost
    left.supersededCost &-= right.supersededCost
    left.held &-= right.held
    left.listCost &-= right.listCost
    left.fullCost &-= right.fullCost
    left.answers &-= right.answers
    left.estimatedTokens &-= right.estimatedTokens
  }
}
