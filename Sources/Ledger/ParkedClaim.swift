public import BatchCore

/// What is asked of the parked rows of a line.
public struct ParkedClaim: Sendable {
  public var line: ParkedLine
  public var limit: Int
  public var weights: TenantWeights
  /// Tenants that get nothing this time, since enough of their rows were claimed before.
  public var passing: Set<String>
  /// By how much calls of these tenants cost more, or less, than was estimated.
  public var corrections: [String: Int64]

  public init(
    line: ParkedLine, limit: Int, weights: TenantWeights = TenantWeights(), passing: Set<String> = [],
    corrections: [String: Int64] = [:]
  ) {
    self.line = line
    self.limit = limit
    self.weights = weights
    self.passing = passing
    self.corrections = corrections
  }
}

/// What a claim of parked rows got.
public struct TakenCalls: Sendable {
  /// Those of a tenant oldest first; tenants as they took turns.
  public var calls: [ParkedCall]
  /// Whether there may be more that may be sent now, of tenants that were not passed over.
  public var isMore: Bool

  public init(calls: [ParkedCall], isMore: Bool) {
    self.calls = calls
    self.isMore = isMore
  }
}
