/// Outages, counted from the moment at which they were given. Not kept over a restart.
struct OutageSchedule: Sendable {
  var outages: [Outage] = []
  /// Nanoseconds of the monotonic clock.
  var givenAt = 0

  /// The first outage that hits the call.
  func hitting(_ kind: CallKind, model: String?, now: Int) -> Outage? {
    if outages.isEmpty { return nil }
    let elapsed = (now - givenAt) / 1_000_000
    return outages.first { $0.hits(kind, model: model, elapsed: elapsed) }
  }
}
