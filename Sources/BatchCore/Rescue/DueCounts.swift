/// How many requests are due by when, so that one look at what is due answers for many requests.
public struct DueCounts: Hashable, Sendable {
  public let rows: [DueRows]
  /// Up to and including each of the rows.
  private let sums: [Int]
  private let tokens: Int64

  /// - Parameter rows: In the order of their deadlines.
  public init(_ rows: [DueRows] = []) {
    self.rows = rows
    var sums: [Int] = []
    sums.reserveCapacity(rows.count)
    var (count, tokens) = (0, Int64(0))
    for row in rows {
      let (sum, isOverflow) = count.addingReportingOverflow(max(0, row.count))
      count = isOverflow ? .max : sum
      tokens = tokens.addingReportingOverflow(max(0, row.tokens)).partialValue
      sums.append(count)
    }
    self.sums = sums
    self.tokens = max(0, tokens)
  }

  /// Requests of which it is known.
  public var count: Int { sums.last ?? 0 }

  /// Estimated input tokens of one of them.
  public var averageTokens: Int64 { count > 0 ? tokens / Int64(clamping: count) : 0 }

  /// Requests that are due by then.
  public func count(by deadline: Timestamp) -> Int {
    var (low, high) = (0, rows.count)
    while low < high {
      let middle = (low + high) / 2
      if rows[middle].earliest <= deadline { low = middle + 1 } else { high = middle }
    }
    return low == 0 ? 0 : sums[low - 1]
  }
}
