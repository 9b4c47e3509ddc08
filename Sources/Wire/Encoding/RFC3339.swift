public import BatchCore

/// Moments as text: `2026-01-31T12:00:00.250Z`.
public enum RFC3339 {
  /// UTC with milliseconds. Moments outside the years 0 to 9999 give the nearest that the format can say.
  public static func format(_ moment: Timestamp) -> String {
    let milliseconds = min(max(moment.milliseconds, earliest), latest)
    let (days, rest) = floorDivide(milliseconds, 86_400_000)
    let (year, month, day) = civil(fromDays: days)
    var text: [UInt8] = []
    text.reserveCapacity(24)
    append(year, digits: 4, to: &text)
    text.append(UInt8(ascii: "-"))
    append(month, digits: 2, to: &text)
    text.append(UInt8(ascii: "-"))
    append(day, digits: 2, to: &text)
    text.append(UInt8(ascii: "T"))
    append(rest / 3_600_000, digits: 2, to: &text)
    text.append(UInt8(ascii: ":"))
    append(rest / 60_000 % 60, digits: 2, to: &text)
    text.append(UInt8(ascii: ":"))
    append(rest / 1000 % 60, digits: 2, to: &text)
    text.append(UInt8(ascii: "."))
    append(rest % 1000, digits: 3, to: &text)
    text.append(UInt8(ascii: "Z"))
    return String(decoding: text, as: UTF8.self)
  }

  /// Needs an offset or `Z`. Fractions are cut to milliseconds; a leap second is the moment after it.
  public static func parse(_ text: String) -> Timestamp? {
    var reader = Reader(text: Array(text.utf8))
    guard let year = reader.number(4), reader.take("-"), let month = reader.number(2), reader.take("-"),
      let day = reader.number(2), reader.take("T") || reader.take("t") || reader.take(" "),
      let hour = reader.number(2), reader.take(":"), let minute = reader.number(2), reader.take(":"),
      let second = reader.number(2), let fraction = reader.fraction(), let offset = reader.offset(), reader.isAtEnd,
      (1...12).contains(month), (1...daysIn(month, year)).contains(day), hour < 24, minute < 60, second <= 60
    else { return nil }
    let minutes = days(fromCivil: year, month, day) * 1440 + hour * 60 + minute - offset
    // Leap seconds are inserted at the end of a day in UTC only.
    if second == 60 && floorDivide(minutes + 1, 1440).remainder != 0 { return nil }
    return Timestamp(milliseconds: (minutes * 60 + second) * 1000 + fraction)
  }

  private static let earliest = days(fromCivil: 0, 1, 1) * 86_400_000
  private static let latest = days(fromCivil: 10_000, 1, 1) * 86_400_000 - 1

  private struct Reader {
    let text: [UInt8]
    var index = 0

    var isAtEnd: Bool { index == text.count }

    mutating func take(_ character: Unicode.Scalar) -> Bool {
      guard index < text.count, text[index] == UInt8(ascii: character) else { return false }
      index += 1
      return true
    }

    mutating func digit() -> Int64? {
      guard index < text.count, (0x30...0x39).contains(text[index]) else { return nil }
      index += 1
      return Int64(text[index - 1] - 0x30)
    }

    mutating func number(_ digits: Int) -> Int64? {
      var value: Int64 = 0
      for _ in 0..<digits {
        guard let digit = digit() else { return nil }
        value = value * 10 + digit
      }
      return value
    }

    /// Milliseconds; 0 where there is no fraction.
    mutating func fraction() -> Int64? {
      guard take(".") else { return 0 }
      guard var value = digit() else { return nil }
      var digits = 1
      while let digit = digit() {
        if digits < 3 { value = value * 10 + digit }
        digits += 1
      }
      while digits < 3 {
        value *= 10
        digits += 1
      }
      return value
    }

    /// Minutes east of UTC.
    mutating func offset() -> Int64? {
      if take("Z") || take("z") { return 0 }
      let isEast = take("+")
      guard isEast || take("-"), let hours = number(2), take(":"), let minutes = number(2), hours < 24, minutes < 60
      else { return nil }
      return isEast ? hours * 60 + minutes : -(hours * 60 + minutes)
    }
  }

  private static func append(_ value: Int64, digits: Int, to text: inout [UInt8]) {
    var divisor: Int64 = 1
    for _ in 1..<digits { divisor *= 10 }
    while divisor > 0 {
      text.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: value / divisor % 10))
      divisor /= 10
    }
  }

  private static func daysIn(_ month: Int64, _ year: Int64) -> Int64 {
    switch month {
    case 4, 6, 9, 11: 30
    case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
    default: 31
    }
  }

  private static func floorDivide(_ value: Int64, _ divisor: Int64) -> (quotient: Int64, remainder: Int64) {
    let (quotient, remainder) = value.quotientAndRemainder(dividingBy: divisor)
    return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
  }

  /// Days since 1970-01-01. Years are counted from March, so that the leap day is the last of its year.
  private static func days(fromCivil year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
    let shifted = month <= 2 ? year - 1 : year
    let (era, yearOfEra) = floorDivide(shifted, 400)
    let dayOfYear = (153 * ((month + 9) % 12) + 2) / 5 + day - 1
    return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
  }

  private static func civil(fromDays days: Int64) -> (year: Int64, month: Int64, day: Int64) {
    let (era, dayOfEra) = floorDivide(days + 719_468, 146_097)
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shifted = (5 * dayOfYear + 2) / 153
    let month = shifted < 10 ? shifted + 3 : shifted - 9
    return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shifted + 2) / 5 + 1)
  }
}
