public import BatchCore

/// Decides whether a service whose ledger no other service shares may consume. Pure; time is monotonic and passed in.
///
/// What two such services take in turn from one queue neither knows of the other: a request sent twice is then paid
/// twice. So one consumes, and it is the one that was there first:
/// - Before it subscribes, a service looks, and stays out while anybody else consumes.
/// - A look and a subscription are two steps, so two can come in at once. Then both see the other, both leave, and each
///   comes back after a time that chance says: the first to come back finds nobody, the second the first.
/// - After a reconnect the broker may go on counting our former connection until it misses that one's heartbeats, so until
///   then nobody is suspected. Whoever waits outside has no such time: if it slips in meanwhile, it is the one to leave.
/// - Deliveries that are settled at this moment may still hold a subscription in the broker's count that we have ended:
///   only what two looks in a row see counts.
public struct SoleConsumer: Sendable {
  /// What was seen of one queue.
  public struct Look: Sendable {
    public var queue: String
    public var consumers: Int
    /// How many of them are this service's.
    public var own: Int
    /// Changes with every connection.
    public var connection: UInt64

    public init(queue: String, consumers: Int, own: Int, connection: UInt64) {
      self.queue = queue
      self.consumers = consumers
      self.own = own
      self.connection = connection
    }

    fileprivate var others: Int { consumers - own }
  }

  public enum Decision: Sendable, Equatable {
    case consume
    /// Nobody else is seen, or nothing can be seen now: all stays as it is.
    case stay
    /// Who is in the way, in one line.
    case leave(String)
  }

  private static let longestPause = Duration.seconds(8)

  /// How long after a reconnect the broker may still count the connection before.
  private let settling: Duration
  private var consumes = false
  private var suspicions = 0
  private var tryAgain: Timestamp?
  private var connections: [UInt64] = []
  private var trustedUntil: Timestamp?

  /// - Parameter heartbeat: Of the connections: the broker drops one after two to three without a sign of life.
  public init(heartbeat: Duration) {
    settling = heartbeat * 3 + .seconds(2)
  }

  /// - Parameter looks: One for each queue, in the same order every time; nil where there is no connection.
  public mutating func decide(_ looks: [Look?], at now: Timestamp, random: UInt64) -> Decision {
    let seen = looks.compactMap { $0 }
    guard seen.count == looks.count else { return .stay }
    noteConnections(seen.map(\.connection), at: now)
    guard let crowded = seen.first(where: { $0.others > 0 }) else {
      suspicions = 0
      if consumes { return .stay }
      if let tryAgain, now < tryAgain { return .stay }
      consumes = true
      // Connections from before it consumed can have left nothing behind.
      trustedUntil = nil
      return .consume
    }
    if consumes {
      if let trustedUntil, now < trustedUntil { return .stay }
      suspicions += 1
      if suspicions < 2 { return .stay }
      consumes = false
      suspicions = 0
      tryAgain = now + .milliseconds(Int64(random % UInt64(Self.longestPause.wholeMilliseconds)))
    }
    return .leave(
      "the queue '\(crowded.queue)' has \(crowded.others) other consumer\(crowded.others == 1 ? "" : "s"), and this ledger"
        + " is shared with nobody; consuming waits until they are gone (replicas share a postgres:// ledger)")
  }

  private mutating func noteConnections(_ found: [UInt64], at now: Timestamp) {
    defer { connections = found }
    guard consumes, !connections.isEmpty, found != connections else { return }
    trustedUntil = now + settling
  }
}
