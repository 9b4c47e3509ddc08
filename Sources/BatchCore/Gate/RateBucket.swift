/// Our model of one of a provider's limits: a bucket that fills continuously.
///
/// On its own it holds a second's worth, so that whatever bucket the provider has, ours empties first. What the provider
/// says is left moves it: down at once, up by halves, so that a full minute's allowance is used when the provider shows
/// that it is there.
public struct RateBucket: Hashable, Sendable, Codable {
  /// The limit in force.
  public private(set) var perMinute: Double
  /// Everything that was ever taken: tells what a provider cannot have counted yet when it let a call in.
  public private(set) var taken: Double = 0
  private var level: Double
  /// The most that the provider showed as left: what its bucket holds, as far as we know.
  private var highest: Double = 0
  private var updatedAt: Timestamp

  /// A limit is approached to within a hundredth, since clocks run apart.
  private static let share = 0.99
  /// Seconds' worth that is left in the provider's bucket: calls overtake each other on their way.
  private static let reserve = 0.1

  /// Seconds' worth.
  private static let disbelief = 0.5

  public init(perMinute: Double, now: Timestamp) {
    self.perMinute = max(perMinute, 0.001)
    level = 0
    updatedAt = now
    level = ownCapacity
  }

  private var perSecond: Double { perMinute / 60 * Self.share }
  private var ownCapacity: Double { max(1, perSecond) }
  private var capacity: Double { max(ownCapacity, min(highest, perMinute)) }
  /// Never all that the provider's bucket can hold, or nothing would ever be let through.
  private var margin: Double { highest > 0 ? min(perSecond * Self.reserve, highest / 4) : 0 }

  /// How much more than we think the provider may show without being believed: it is what stays in its bucket.
  private var slack: Double { min(perSecond * Self.disbelief, highest * 0.4) }

  public mutating func refill(_ now: Timestamp) {
    let passed = now - updatedAt
    updatedAt = now
    guard passed > .zero else { return }
    level = min(capacity, level + perSecond * Double(passed.wholeMilliseconds) / 1000)
  }

  /// The limit changes; what is there stays.
  public mutating func set(perMinute new: Double) {
    guard new != perMinute else { return }
    perMinute = max(new, 0.001)
    level = min(level, capacity)
  }

  /// What may be taken now, after a refill; negative while it is in debt.
  public var available: Double { level - margin }

  /// How long until the amount is there, after a refill. An amount beyond what the bucket holds waits until it is full.
  public func wait(for amount: Double) -> Duration {
    let lacking = min(amount, capacity - margin) - available
    guard lacking > 0 else { return .zero }
    return .milliseconds(Int64(min(lacking / perSecond * 1000, 3_600_000).rounded(.up)))
  }

  public func holds(_ amount: Double) -> Bool { available >= min(amount, capacity - margin) }

  public mutating func take(_ amount: Double) {
    level -= amount
    taken += amount
  }

  /// An estimate was too high, or what was granted is not needed.
  public mutating func giveBack(_ amount: Double) {
    level = min(capacity, level + amount)
    taken -= amount
  }

  /// The provider refused for want of this: there is nothing left, whatever was thought.
  public mutating func exhaust() { level = min(level, 0) }

  /// What an answer says is left.
  ///
  /// - Parameters:
  ///   - stamp: `taken` when the answered call was sent: what was taken since, the provider had not counted.
  ///   - age: How long ago that was.
  ///   - unsent: What was taken and may not have been sent yet.
  ///   - peers: How many share the account without knowing of each other: as much as we took, the others did.
  ///   - mayRaise: Whether the limit in force is the provider's own.
  public mutating func observe(
    remaining: Double, stamp: Double, age: Duration, unsent: Double, peers: Double, mayRaise: Bool
  ) {
    let peers = max(1, peers)
    let refilled = perSecond * peers * Double(max(0, age.wholeMilliseconds)) / 1000
    let now = remaining + refilled - (taken - stamp) * peers - unsent
    // Slowly forgotten, in case that the provider's limit shrinks without a word.
    highest = max(remaining, highest * 0.999)
    let seen = min(now, perMinute * peers) / peers
    if seen < level {
      level = seen
    } else if mayRaise {
      level = min(capacity, level + max(0, seen - level - slack) / 2)
    }
  }
}
