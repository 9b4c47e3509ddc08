public import BatchCore

/// What a new call would take of a budget.
public struct BudgetClaim: Hashable, Sendable {
  public var key: String
  public var period: BudgetPeriod
  public var limit: PicoUSD
  /// Whether the call waits for the next period where it does not fit; else it is refused.
  public var holds: Bool
  /// What it may cost at most; nil for a model without a known price, which fits into no budget.
  public var amount: PicoUSD?

  public init(key: String, period: BudgetPeriod, limit: PicoUSD, holds: Bool, amount: PicoUSD?) {
    self.key = key
    self.period = period
    self.limit = limit
    self.holds = holds
    self.amount = amount
  }
}

/// A budget within a period.
public struct BudgetStanding: Hashable, Sendable {
  public var key: String
  public var period: Timestamp
  public var balance: BudgetBalance

  public init(key: String, period: Timestamp, balance: BudgetBalance) {
    self.key = key
    self.period = period
    self.balance = balance
  }
}
