import Glibc

/// A moment as HTTP headers spell it: `Sun, 06 Nov 1994 08:49:37 GMT`.
enum HTTPDate {
  private static let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
  private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

  /// - Parameter second: Of Unix time.
  static func text(second: Int) -> String {
    var moment = time_t(second)
    var parts = tm()
    gmtime_r(&moment, &parts)
    let time = [parts.tm_hour, parts.tm_min, parts.tm_sec].map { twoDigits(Int($0)) }.joined(separator: ":")
    let date = "\(twoDigits(Int(parts.tm_mday))) \(months[Int(parts.tm_mon) % 12]) \(Int(parts.tm_year) + 1900)"
    return "\(days[Int(parts.tm_wday) % 7]), \(date) \(time) GMT"
  }

  private static func twoDigits(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
}
