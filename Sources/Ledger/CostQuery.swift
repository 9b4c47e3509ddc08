/// What to add costs up by, and of which days.
public struct CostQuery: Hashable, Sendable {
  public enum Dimension: String, Hashable, Sendable, CaseIterable {
    case day, tenant
    case costCenter = "cost_center"
    case user, service, environment, provider, model, lane, batch
  }

  /// In the order in which a line has its values.
  public var dimensions: [Dimension]
  /// The first and the last day, counted from 1970 in UTC: an attempt belongs to the day on which it ended.
  public var days: ClosedRange<Int64>
  /// Lines at most; the dearest are given.
  public var limit: Int

  public init(dimensions: [Dimension], days: ClosedRange<Int64>, limit: Int) {
    self.dimensions = dimensions
    self.days = days
    self.limit = limit
  }
}

/// What costs add up to.
public struct CostReport: Hashable, Sendable {
  public struct Line: Hashable, Sendable {
    /// By the query's dimensions; empty where a request has no such tag.
    public var values: [String]
    public var sums: CostSums

    public init(values: [String], sums: CostSums) {
      self.values = values
      self.sums = sums
    }
  }

  /// The dearest first.
  public var lines: [Line]
  /// Of all lines, also of those that are left out.
  public var total: CostSums
  public var leftOut: Int

  public init(_ found: [Line], limit: Int) {
    var total = CostSums()
    for line in found { total += line.sums }
    self.total = total
    let sorted = found.sorted { left, right in
      let (first, second) = (left.sums.cost + left.sums.held, right.sums.cost + right.sums.held)
      return first != second ? first > second : left.values.lexicographicallyPrecedes(right.values)
    }
    lines = Array(sorted.prefix(limit))
    leftOut = max(0, sorted.count - limit)
  }
}
