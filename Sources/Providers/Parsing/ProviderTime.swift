import BatchCore
import Wire

/// Reads times in the forms that providers use: Unix seconds, Unix milliseconds, RFC 3339, a bare date, and the date of
/// HTTP headers.
enum ProviderTime {
  static func timestamp(_ value: JSONSlice) -> Timestamp? {
    if let number = value.int64 { return unix(Double(number)) }
    if let number = value.double { return unix(number) }
    guard let text = value.string else { return nil }
    return Double(text).flatMap(unix) ?? rfc3339(text)
  }

  /// Numbers above 1e11 are milliseconds: as seconds they would lie past the year 5000.
  private static func unix(_ number: Double) -> Timestamp? {
    guard number.isFinite, number >= 0, number < 1e15 else { return nil }
    return Timestamp(milliseconds: Int64(number > 1e11 ? number : number * 1000))
  }

  /// `2026-11-23`, optionally with `T14:05:09.25` and `Z` or an offset; without either, UTC.
  static func rfc3339(_ text: String) -> Timestamp? {
    var scanner = Scanner(text)
    guard let year = scanner.digits(4), scanner.skip("-"), let month = scanner.digits(2), scanner.skip("-"),
      let day = scanner.digits(2), let midnight = midnight(year, month, day)
    else { return nil }
    if scanner.isAtEnd { return Timestamp(milliseconds: midnight) }
    guard scanner.skip("T") || scanner.skip("t") || scanner.skip(" "), let time = scanner.timeOfDay() else {
      return nil
    }
    var milliseconds = midnight + time + scanner.fraction()
    if scanner.isAtEnd || ((scanner.skip("Z") || scanner.skip("z")) && scanner.isAtEnd) {
      return Timestamp(milliseconds: milliseconds)
    }
    let isEast = scanner.skip("+")
    guard isEast || scanner.skip("-"), let hours = scanner.digits(2), hours < 24 else { return nil }
    _ = scanner.skip(":")
    guard let minutes = scanner.digits(2), minutes < 60, scanner.isAtEnd else { return nil }
    let offset = Int64(hours * 60 + minutes) * 60_000
    milliseconds += isEast ? -offset : offset
    return Timestamp(milliseconds: milliseconds)
  }

  /// `Mon, 23 Nov 2026 14:05:09 GMT`, the only form that may still be sent.
  static func httpDate(_ text: String) -> Timestamp? {
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    let words = text.split(separator: " ")
    guard words.count == 6, words[0].last == ",", words[5] == "GMT" || words[5] == "UTC",
      let day = Int(words[1]), let month = months.firstIndex(of: String(words[2])), let year = Int(words[3]),
      let midnight = midnight(year, month + 1, day)
    else { return nil }
    var scanner = Scanner(String(words[4]))
    guard let time = scanner.timeOfDay(), scanner.isAtEnd else { return nil }
    return Timestamp(milliseconds: midnight + time)
  }

  /// Milliseconds since 1970, by counting years from March, so that the leap day comes last.
  private static func midnight(_ year: Int, _ month: Int, _ day: Int) -> Int64? {
    guard (1970...9999).contains(year), (1...12).contains(month), (1...31).contains(day) else { return nil }
    let shifted = month > 2 ? year : year - 1
    let monthFromMarch = (month + 9) % 12
    let dayOfYear = (153 * monthFromMarch + 2) / 5 + day - 1
    let days = 365 * shifted + shifted / 4 - shifted / 100 + shifted / 400 + dayOfYear - 719_468
    return Int64(days) * 86_400_000
  }

  private struct Scanner {
    private var rest: Substring.UTF8View

    init(_ text: String) {
      rest = Substring(text).utf8
    }

    var isAtEnd: Bool { rest.isEmpty }

    mutating func skip(_ character: Unicode.Scalar) -> Bool {
      guard let first = rest.first, UInt32(first) == character.value else { return false }
      rest.removeFirst()
      return true
    }

    mutating func digits(_ count: Int) -> Int? {
      var number = 0
      for _ in 0..<count {
        guard let byte = rest.first, (0x30...0x39).contains(byte) else { return nil }
        rest.removeFirst()
        number = number * 10 + Int(byte - 0x30)
      }
      return number
    }

    mutating func timeOfDay() -> Int64? {
      guard let hours = digits(2), skip(":"), let minutes = digits(2), skip(":"), let seconds = digits(2),
        hours < 24, minutes < 60, seconds <= 60
      else { return nil }
      return Int64((hours * 60 + minutes) * 60 + seconds) * 1000
    }

    /// Milliseconds of `.25`; what is finer is dropped.
    mutating func fraction() -> Int64 {
      guard skip(".") else { return 0 }
      var milliseconds: Int64 = 0
      var factor: Int64 = 100
      while let digit = digits(1) {
        milliseconds += Int64(digit) * factor
        factor /= 10
      }
      return milliseconds
    }
  }
}
