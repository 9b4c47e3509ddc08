/// Until when an account is not asked for one kind of operation, because it has said so.
///
/// ```
///           told: a pause that is obeyed             until
///   free ------------------------------------> held ------------------------------------> free
///    | ^                                        ^
///    | |  probe answered          told, or ended without a word
///    | +---------------------+     |
///    |  told: longer, or     |     |
///    +--> unreadable ---> held for the longest that is obeyed --- until ---> probing (one operation)
/// ```
/// Pure; time is passed in, and is monotonic.
public struct Hold: Hashable, Sendable {
  public enum Answer: Hashable, Sendable {
    case go
    /// The one operation that tries after a pause that nobody waits out; its end is to be told.
    case probe
    case wait(until: Timestamp)
  }

  public enum ProbeEnd: Hashable, Sendable {
    /// The account answered, whatever it said. A pause that it asked for is told before.
    case answered
    /// It was not reached.
    case unanswered
    /// The operation did not happen.
    case notMade
  }

  /// Not before then; nil when nothing was asked for, or when it is over.
  public private(set) var until: Timestamp?
  /// Whether a pause was asked for that is longer than any that is obeyed, or that cannot be read.
  public private(set) var isTooLong = false
  private var isProbing = false
  /// How soon those look again who wait for the end of a probe, and how long after one that was not answered.
  private static let look = Duration.seconds(1)
  private static let pauseAfterSilence = Duration.seconds(30)

  public init() {}

  /// Nothing in it would be missed.
  public var isFree: Bool { until == nil && !isTooLong && !isProbing }

  /// What an operation may do that would be made now.
  public mutating func ask(now: Timestamp) -> Answer {
    if let until {
      if now < until { return .wait(until: until) }
      self.until = nil
    }
    guard isTooLong else { return .go }
    if isProbing { return .wait(until: now + Self.look) }
    isProbing = true
    return .probe
  }

  /// The same, without beginning anything.
  public func pause(now: Timestamp) -> Timestamp? {
    if let until, now < until { return until }
    return isTooLong && isProbing ? now + Self.look : nil
  }

  /// An answer asked for a pause; what was in flight already may bring another. The later end holds.
  public mutating func told(_ pause: Duration, longest: Duration, now: Timestamp) {
    let end = now + min(max(.zero, pause), longest)
    until = max(until ?? end, end)
    if pause > longest { isTooLong = true }
  }

  /// - Parameter longest: The longest pause that is obeyed.
  public mutating func probeEnded(_ end: ProbeEnd, toldPause: Duration?, longest: Duration, now: Timestamp) {
    isProbing = false
    switch end {
    case .answered: isTooLong = toldPause.map { $0 > longest } ?? false
    case .unanswered: until = max(until ?? now, now + min(longest, Self.pauseAfterSilence))
    case .notMade: break
    }
  }
}
