/// Until when requests may be left to a native batch: their deadline, less the time to send all that are due by then
/// synchronously, less the time from a cancel to the results, less a buffer. Pure.
///
/// All that are due by a deadline share the way out, so each deadline's cut-off counts what is due before it too.
public struct CutOff: Hashable, Sendable {
  /// What the synchronous way takes now; above 0.
  public var callsPerSecond: Double
  /// From a cancel until every result is home, at worst.
  public var cancel: Duration
  public var buffer: Duration

  public init(callsPerSecond: Double, cancel: Duration, buffer: Duration) {
    self.callsPerSecond = callsPerSecond
    self.cancel = cancel
    self.buffer = buffer
  }

  /// How long it takes to send so many.
  public func drain(_ count: Int) -> Duration {
    .milliseconds(Int64(min(Double(max(0, count)) / max(callsPerSecond, 0.001) * 1000, 1e12).rounded(.up)))
  }

  /// - Parameter count: Requests that are due by the deadline, the one in question included.
  public func time(of deadline: Timestamp, due count: Int) -> Timestamp {
    let lead = drain(count) + max(.zero, cancel) + max(.zero, buffer)
    return deadline + (.zero - lead)
  }

  /// What must leave its batch now, and when to look again.
  public struct Look: Hashable, Sendable {
    /// Requests that are due by then are endangered; nil if none is.
    public var endangered: Timestamp?
    /// When the next will be, as things are now.
    public var next: Timestamp?

    public init(endangered: Timestamp?, next: Timestamp?) {
      self.endangered = endangered
      self.next = next
    }
  }

  /// - Parameter due: In the order of their deadlines.
  public func look(at due: [DueRows], now: Timestamp) -> Look {
    var look = Look(endangered: nil, next: nil)
    var count = 0
    for rows in due {
      count = count.addingReportingOverflow(max(0, rows.count)).partialValue
      let time = time(of: rows.earliest, due: count)
      if time <= now {
        look.endangered = rows.latest
        look.next = nil
      } else {
        look.next = min(look.next ?? time, time)
      }
    }
    return look
  }
}
