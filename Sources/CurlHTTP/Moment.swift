import Glibc

/// A point of the monotonic clock, in nanoseconds.
struct Moment: Comparable {
  static let never = Moment(nanoseconds: .max)

  var nanoseconds: Int64

  static func now() -> Moment {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return Moment(nanoseconds: Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec))
  }

  static func < (left: Moment, right: Moment) -> Bool { left.nanoseconds < right.nanoseconds }

  /// Saturates: a limit beyond the clock's range is no limit.
  static func + (moment: Moment, duration: Duration) -> Moment {
    let (sum, overflow) = moment.nanoseconds.addingReportingOverflow(duration.nanoseconds)
    return overflow ? .never : Moment(nanoseconds: sum)
  }

  /// Whole milliseconds until `moment`, rounded up, for a wait.
  func milliseconds(until moment: Moment) -> CInt {
    if moment <= self { return 0 }
    if moment == .never { return -1 }
    return CInt(clamping: (moment.nanoseconds - nanoseconds - 1) / 1_000_000 + 1)
  }
}

extension Duration {
  /// Saturates at the range of Int64; negative durations count as zero.
  var nanoseconds: Int64 {
    let (seconds, attoseconds) = components
    if seconds < 0 || attoseconds < 0 { return 0 }
    let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
    let (sum, overflowed) = whole.addingReportingOverflow(attoseconds / 1_000_000_000)
    return overflow || overflowed ? .max : sum
  }

  /// For options of libcurl, which take a positive number.
  var milliseconds: Int { Int(clamping: max(1, nanoseconds / 1_000_000)) }
}
