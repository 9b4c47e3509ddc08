/// How long a budget holds until it begins anew, in UTC.
public enum BudgetInterval: String, Hashable, Sendable, CaseIterable {
  case day, month

  /// The one that a moment lies in.
  public func period(at moment: Timestamp) -> BudgetPeriod {
    let day = moment.milliseconds.flooredQuotient(by: Self.dayMilliseconds)
    switch self {
    case .day: return Self.period(from: day, to: day + 1)
    case .month:
      let (year, month) = Self.yearAndMonth(ofDay: day)
      let next = month == 12 ? (year + 1, Int64(1)) : (year, month + 1)
      return Self.period(from: Self.day(year, month), to: Self.day(next.0, next.1))
    }
  }

  private static let dayMilliseconds: Int64 = 86_400_000

  private static func period(from first: Int64, to next: Int64) -> BudgetPeriod {
    func start(_ day: Int64) -> Timestamp {
      let (milliseconds, overflow) = day.multipliedReportingOverflow(by: dayMilliseconds)
      return Timestamp(milliseconds: overflow ? (day < 0 ? .min : .max) : milliseconds)
    }
    return BudgetPeriod(start: start(first), end: start(next))
  }

  /// In a calendar whose years begin in March, a leap day is the last of its year; eras have 400 years.
  private static func yearAndMonth(ofDay day: Int64) -> (year: Int64, month: Int64) {
    let shifted = day + 719_468
    let era = shifted.flooredQuotient(by: 146_097)
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let fromMarch = (5 * dayOfYear + 2) / 153
    let month = fromMarch < 10 ? fromMarch + 3 : fromMarch - 9
    return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month)
  }

  /// The first of a month, in days since 1970.
  private static func day(_ year: Int64, _ month: Int64) -> Int64 {
    let shifted = month <= 2 ? year - 1 : year
    let era = shifted.flooredQuotient(by: 400)
    let yearOfEra = shifted - era * 400
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    return era * 146_097 + dayOfEra - 719_468
  }
}

/// From a moment until before another.
public struct BudgetPeriod: Hashable, Sendable {
  public var start: Timestamp
  public var end: Timestamp

  public init(start: Timestamp, end: Timestamp) {
    self.start = start
    self.end = end
  }
}

extension Int64 {
  fileprivate func flooredQuotient(by divisor: Int64) -> Int64 {
    let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
    return remainder < 0 ? quotient - 1 : quotient
  }
}
