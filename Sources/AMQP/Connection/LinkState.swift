/// What a broker said about itself at login.
public struct BrokerInfo: Hashable, Sendable, CustomStringConvertible {
  public var product: String
  public var version: String
  public var clusterName: String
  /// The node that was reached, as `host:port`.
  public var endpoint: String

  public init(product: String, version: String, clusterName: String, endpoint: String) {
    self.product = product
    self.version = version
    self.clusterName = clusterName
    self.endpoint = endpoint
  }

  public var description: String { "\(product) \(version) at \(endpoint)" }
}

/// Where a consumer or publisher stands with its broker.
public enum LinkState: Hashable, Sendable {
  /// A connection is being made, and why.
  case connecting(reason: String)
  case connected(BrokerInfo)
  /// A resource alarm: the broker reads nothing from this connection until it is over.
  case blocked(reason: String)
  /// Connected, but messages wait longer for their confirms than they should.
  case stalled(reason: String)
  /// The last try failed; the next one starts then.
  case waiting(until: ContinuousClock.Instant, lastError: String)
  /// Connected, but the broker ended the consumer, as when its queue was deleted. It is looked for again.
  case consumerCancelled(reason: String)
  case stopped
}

/// What happened on a link since it was made.
public struct LinkCounters: Hashable, Sendable {
  /// Connections made after the first.
  public var reconnects: UInt64 = 0
  public var deliveries: UInt64 = 0
  /// Deliveries that the broker marked as sent before.
  public var redeliveries: UInt64 = 0
  /// Acks and nacks that were written.
  public var settlements: UInt64 = 0
  /// Settlements that came after their channel was gone. The broker delivers those messages again.
  public var staleSettlements: UInt64 = 0
  /// Settlements of a delivery that was settled before, or never made.
  public var doubleSettlements: UInt64 = 0
  public var published: UInt64 = 0
  public var confirms: UInt64 = 0
  public var refusals: UInt64 = 0
  public var returns: UInt64 = 0
  /// Channels that the broker closed.
  public var channelCloses: UInt64 = 0

  public init() {}

  mutating func add(_ other: LinkCounters) {
    reconnects += other.reconnects
    deliveries += other.deliveries
    redeliveries += other.redeliveries
    settlements += other.settlements
    staleSettlements += other.staleSettlements
    doubleSettlements += other.doubleSettlements
    published += other.published
    confirms += other.confirms
    refusals += other.refusals
    returns += other.returns
    channelCloses += other.channelCloses
  }
}
