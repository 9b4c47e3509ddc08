import Glibc

/// The time of day, and a clock that never goes back.
enum WallClock {
  /// Milliseconds since 1970.
  static var milliseconds: Int { read(CLOCK_REALTIME) / 1_000_000 }

  /// Microseconds since 1970.
  static var microseconds: Int { read(CLOCK_REALTIME) / 1000 }

  /// Seconds since 1970, the provider's unit.
  static var seconds: Int { read(CLOCK_REALTIME) / 1_000_000_000 }

  /// Nanoseconds since some moment before the start.
  static var monotonicNanoseconds: Int { read(CLOCK_MONOTONIC) }

  private static func read(_ clock: clockid_t) -> Int {
    var time = timespec()
    clock_gettime(clock, &time)
    return time.tv_sec * 1_000_000_000 + time.tv_nsec
  }
}
