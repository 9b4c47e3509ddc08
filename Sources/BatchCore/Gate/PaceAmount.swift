/// What calls take of an account's limits: of one call an estimate before it, and what it really took after it.
public struct PaceAmount: Hashable, Sendable, Codable {
  public var calls: Int64
  public var inputTokens: Int64
  public var outputTokens: Int64

  public init(calls: Int64 = 1, inputTokens: Int64, outputTokens: Int64) {
    self.calls = calls
    self.inputTokens = inputTokens
    self.outputTokens = outputTokens
  }

  public static let zero = PaceAmount(calls: 0, inputTokens: 0, outputTokens: 0)

  /// How much of one limit it is.
  public subscript(resource: PaceResource) -> Double {
    switch resource {
    case .requests: Double(calls)
    case .tokens: Double(inputTokens) + Double(outputTokens)
    case .inputTokens: Double(inputTokens)
    case .outputTokens: Double(outputTokens)
    }
  }

  /// How often a minute it fits into the limits; nil where none of them concerns it.
  func timesPerMinute(within limits: [PaceResource: Double]) -> Double? {
    limits.compactMap { resource, limit in self[resource] > 0 ? limit / self[resource] : nil }.min()
  }

  /// Wraps around rather than traps: estimates come from what publishers send.
  public static func + (left: PaceAmount, right: PaceAmount) -> PaceAmount {
    PaceAmount(
      calls: left.calls &+ right.calls, inputTokens: left.inputTokens &+ right.inputTokens,
      outputTokens: left.outputTokens &+ right.outputTokens)
  }

  public static func - (left: PaceAmount, right: PaceAmount) -> PaceAmount {
    PaceAmount(
      calls: left.calls &- right.calls, inputTokens: left.inputTokens &- right.inputTokens,
      outputTokens: left.outputTokens &- right.outputTokens)
  }

  /// Without what is below nothing.
  var positive: PaceAmount {
    PaceAmount(calls: max(0, calls), inputTokens: max(0, inputTokens), outputTokens: max(0, outputTokens))
  }

  public static func += (left: inout PaceAmount, right: PaceAmount) { left = left + right }
}
