/// Waits between tries that double from 0.1 s to 10 s, each cut at random by up to half, so that the clients of a
/// restarted broker do not all come back at once.
struct Backoff: Sendable {
  static let shortest = Duration.milliseconds(100)
  static let longest = Duration.seconds(10)
  /// A connection that lasted this long starts the row anew.
  static let stable = Duration.seconds(60)

  private var next = shortest

  /// - Parameter slow: Whether trying again soon is pointless.
  mutating func delay(slow: Bool = false, using generator: inout some RandomNumberGenerator) -> Duration {
    let full = slow ? Self.longest : next
    next = min(next * 2, Self.longest)
    return full * Double.random(in: 0.5...1, using: &generator)
  }

  mutating func connectionEnded(after lifetime: Duration) {
    if lifetime >= Self.stable { self = Backoff() }
  }
}
