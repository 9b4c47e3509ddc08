import BatchCore
import Ledger
import Wire

/// Reads what `millrace cost` and `/cost` are asked for.
enum CostRequest {
  static let mostLines = 10_000

  struct Problem: Error {
    /// One line.
    var message: String
  }

  /// - Parameters:
  ///   - by: Names of dimensions with commas between them.
  ///   - since: A number of days such as `7d`, which counts today as one, or a day such as `2026-01-31`.
  ///   - until: A day, the last; nothing means today.
  static func read(
    by: String?, since: String?, until: String?, limit: String?, now: Timestamp
  ) throws(Problem) -> CostQuery {
    var dimensions: [CostQuery.Dimension] = []
    for name in (by ?? "tenant,model").split(separator: ",") {
      guard let dimension = CostQuery.Dimension(rawValue: String(name)) else {
        let all = CostQuery.Dimension.allCases.map(\.rawValue).joined(separator: ", ")
        throw Problem(message: "by=\(name) is nothing to add up by; allowed: \(all), with commas between them")
      }
      if !dimensions.contains(dimension) { dimensions.append(dimension) }
    }
    let today = day(now)
    let last = try until.map { text throws(Problem) in try day(text, "until") } ?? today
    let first = try self.first(since ?? "7d", last: last)
    guard first <= last else { throw Problem(message: "since is after until; name an earlier day") }
    var most = 1000
    if let limit {
      guard let number = Int(limit), (1...mostLines).contains(number) else {
        throw Problem(message: "limit=\(limit) is no number of lines; allowed: 1 to \(mostLines)")
      }
      most = number
    }
    return CostQuery(dimensions: dimensions, days: first...last, limit: most)
  }

  private static func first(_ text: String, last: Int64) throws(Problem) -> Int64 {
    if text.hasSuffix("d"), let days = Int64(text.dropLast()) {
      guard (1...36_500).contains(days) else {
        throw Problem(message: "since=\(text) is out of range; allowed: 1d to 36500d")
      }
      return last - days + 1
    }
    return try day(text, "since")
  }

  private static func day(_ text: String, _ name: String) throws(Problem) -> Int64 {
    guard let time = RFC3339.parse("\(text)T00:00:00Z") else {
      throw Problem(message: "\(name)=\(text) is no day; allowed: \(name == "since" ? "7d, or " : "")2026-01-31")
    }
    return day(time)
  }

  static func day(_ time: Timestamp) -> Int64 {
    let (days, rest) = time.milliseconds.quotientAndRemainder(dividingBy: milliseconds)
    return rest < 0 ? days - 1 : days
  }

  /// `2026-01-31`.
  static func text(ofDay day: Int64) -> String {
    String(
      RFC3339.format(Timestamp(milliseconds: day.multipliedReportingOverflow(by: milliseconds).partialValue)).prefix(10)
    )
  }

  private static let milliseconds: Int64 = 86_400_000
}
