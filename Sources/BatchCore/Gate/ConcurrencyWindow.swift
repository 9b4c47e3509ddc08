/// How many calls may be in flight: doubles until the first trouble, then grows by one for each round and is cut when the
/// provider is overloaded.
public struct ConcurrencyWindow: Hashable, Sendable, Codable {
  private var size: Double
  private var isStarting = true
  private var grownAt: Timestamp
  private var cutAt: Timestamp?
  /// Milliseconds a call takes when all is well, and lately.
  private var usual: Double?
  private var lately: Double?

  public static let first = 16.0
  /// A call that takes this many times what it usually does says that the provider is at its limit.
  private static let slow = 3.0

  public init(now: Timestamp) {
    size = Self.first
    grownAt = now
  }

  public func limit(atMost ceiling: Int) -> Int { max(1, min(ceiling, Int(size))) }

  /// While calls wait for a place and nothing has failed yet it doubles every second, even if no call has ended.
  public mutating func wanted(ceiling: Int, now: Timestamp) {
    guard isStarting, now - grownAt >= .seconds(1) || now < grownAt else { return }
    grownAt = now
    size = min(Double(max(1, ceiling)), size * 2)
  }

  public mutating func succeeded(after duration: Duration?, ceiling: Int, now: Timestamp) {
    if let duration { learn(Double(max(1, duration.wholeMilliseconds))) }
    let ceiling = Double(max(1, ceiling))
    if isSlow {
      isStarting = false
      cut(to: 0.9, now: now)
    } else {
      size = min(ceiling, size + (isStarting ? 1 : 1 / max(1, size)))
    }
  }

  /// It failed for want of capacity, or was asked to slow down without a limit being named.
  public mutating func overloaded(now: Timestamp) {
    isStarting = false
    cut(to: 0.6, now: now)
  }

  /// Once for each round: the calls that were in flight together fail together.
  private mutating func cut(to share: Double, now: Timestamp) {
    if let cutAt, now >= cutAt, now - cutAt < .milliseconds(Int64(max(200, min(lately ?? 1000, 10_000)))) { return }
    cutAt = now
    size = max(1, size * share)
  }

  private var isSlow: Bool {
    guard let usual, let lately else { return false }
    return lately > usual * Self.slow
  }

  /// What is usual follows slowly, and more slowly upwards than downwards: a provider that becomes slower for good is
  /// believed after some hundred calls.
  private mutating func learn(_ milliseconds: Double) {
    lately = lately.map { $0 + (milliseconds - $0) / 8 } ?? milliseconds
    usual = usual.map { $0 + (milliseconds - $0) / (milliseconds < $0 ? 32 : 256) } ?? milliseconds
  }
}
