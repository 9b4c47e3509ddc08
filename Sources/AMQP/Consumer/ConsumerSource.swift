/// What a consumer reads.
public enum ConsumerSource: Hashable, Sendable {
  /// A queue that exists. It is never declared here, since its arguments are somebody else's.
  case queue(String)
  /// A queue of one's own that goes with the connection, declared and bound anew on each: exclusive, auto-delete.
  ///
  /// - Parameters:
  ///   - name: `nil` has the broker think of one; `Consumer.queueName` then says which.
  ///   - exchange: What to bind it to; `nil` leaves it to the default exchange.
  ///   - bindingKeys: One binding for each.
  case temporary(name: String? = nil, exchange: String? = nil, bindingKeys: [String] = [])
}

/// What a passive look at a queue shows.
public struct QueueInfo: Hashable, Sendable {
  public var name: String
  /// Messages that wait; those delivered and not settled are not among them.
  public var readyMessages: Int
  /// Consumers of all connections, this one included.
  public var consumers: Int
  /// How many of them are this consumer's own: those that it has ended count until all they were sent is settled.
  public var ownConsumers: Int

  public init(name: String, readyMessages: Int, consumers: Int, ownConsumers: Int = 0) {
    self.name = name
    self.readyMessages = readyMessages
    self.consumers = consumers
    self.ownConsumers = ownConsumers
  }
}
