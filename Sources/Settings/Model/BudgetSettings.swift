/// A limit on what requests with some tags may cost within a day or a month.
public struct BudgetSettings: Sendable, Equatable {
  public enum Interval: String, Sendable, CaseIterable { case day, month }

  /// What becomes of a request that does not fit.
  public enum AtLimit: String, Sendable, CaseIterable {
    /// It is answered `budget_exceeded`.
    case refuse
    /// It waits in the ledger until the next period.
    case park
  }

  /// Tags that tell requests apart.
  public static let tags = ["tenant", "cost_center", "user", "service", "environment", "provider", "model"]

  public var name: String
  /// Value by tag; `*` gives every value a budget of its own.
  public var matches: [String: String]
  /// Pico-USD.
  public var limit: Int64
  public var interval: Interval
  public var atLimit: AtLimit

  public init(name: String, matches: [String: String], limit: Int64, interval: Interval, atLimit: AtLimit) {
    self.name = name
    self.matches = matches
    self.limit = limit
    self.interval = interval
    self.atLimit = atLimit
  }
}
