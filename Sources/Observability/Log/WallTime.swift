import Glibc

/// A moment of the wall clock in UTC, to the millisecond.
public struct WallTime: Sendable, Equatable {
  /// Since 1970; not negative.
  public var seconds: Int
  /// 0 to 999.
  public var milliseconds: Int

  public init(seconds: Int, milliseconds: Int) {
    self.seconds = max(0, seconds)
    self.milliseconds = min(max(0, milliseconds), 999)
  }

  /// The clock of the machine.
  public static var now: WallTime {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return WallTime(seconds: time.tv_sec, milliseconds: time.tv_nsec / 1_000_000)
  }

  var secondOfDay: Int { seconds % 86_400 }

  /// The Gregorian date. Counted in 400-year cycles of years that begin in March, so that the leap day comes last.
  var date: (year: Int, month: Int, day: Int) {
    let days = seconds / 86_400 + 719_468
    let (cycle, dayOfCycle) = days.quotientAndRemainder(dividingBy: 146_097)
    let yearOfCycle = (dayOfCycle - dayOfCycle / 1460 + dayOfCycle / 36_524 - dayOfCycle / 146_096) / 365
    let dayOfYear = dayOfCycle - (365 * yearOfCycle + yearOfCycle / 4 - yearOfCycle / 100)
    let marchMonth = (5 * dayOfYear + 2) / 153
    let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
    return (cycle * 400 + yearOfCycle + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * marchMonth + 2) / 5 + 1)
  }
}
