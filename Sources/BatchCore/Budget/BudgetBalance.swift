/// How a budget stands within a period, in pico-USD.
public struct BudgetBalance: Hashable, Sendable {
  /// What is settled, and what may have been paid and is not known.
  public var spent: Int64
  /// What requests without an outcome may cost.
  public var reserved: Int64

  public init(spent: Int64 = 0, reserved: Int64 = 0) {
    self.spent = spent
    self.reserved = reserved
  }

  public var committed: Int64 { Self.sum(max(0, spent), max(0, reserved)) }

  /// Whether so much more stays within the limit.
  public func fits(_ amount: Int64, limit: PicoUSD) -> Bool { Self.sum(committed, max(0, amount)) <= limit.value }

  /// Whether it is time to say that the budget ends.
  public func isNearing(_ limit: PicoUSD) -> Bool { Int128(committed) * 100 >= Int128(limit.value) * 80 }

  public static func sum(_ left: Int64, _ right: Int64) -> Int64 {
    let (sum, overflow) = left.addingReportingOverflow(right)
    return overflow ? (left < 0 ? .min : .max) : sum
  }
}
