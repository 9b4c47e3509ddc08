/// How the broker is reached and what is declared there.
public struct AMQPSettings: Sendable, Equatable {
  /// What a queue is declared as.
  public enum QueueType: String, Sendable, CaseIterable { case quorum, classic }

  /// How poison reaches the dead-letter queue: by the broker (`nack`), by a publish of ours, or whichever is verified.
  public enum Poison: String, Sendable, CaseIterable { case auto, nack, publish }

  /// Unacknowledged deliveries a lane may hold.
  public struct Prefetch: Sendable, Equatable {
    public var interactive = 512
    public var deferred = 2000
    public init() {}
  }

  /// Files and checks of `amqps://` connections. Empty paths mean the defaults of the system.
  public struct TLS: Sendable, Equatable {
    public var caFile = ""
    public var certFile = ""
    public var keyFile = ""
    /// Whether certificate and host name of the broker are checked.
    public var verify = true
    public init() {}
  }

  /// The names of exchanges and queues.
  public struct Names: Sendable, Equatable {
    public var requestsExchange = "llm.requests"
    public var otherExchange = "llm.requests.other"
    public var interactiveQueue = "llm.requests.interactive"
    public var deferredQueue = "llm.requests.deferred"
    public var resultsExchange = "llm.results"
    public var unclaimedExchange = "llm.results.unclaimed"
    public var unclaimedQueue = "llm.results.unclaimed"
    public var deadLetterExchange = "llm.dead-letters"
    public var deadLetterQueue = "llm.dead-letters"
    public init() {}
  }

  /// The nodes of the cluster, tried in order.
  public var urls = [ConnectionURL("amqp://guest:guest@127.0.0.1:5672/%2f")]
  public var tls = TLS()
  public var heartbeat = Duration.seconds(15)
  /// Whether missing objects are declared; otherwise the start names them and stops.
  public var declare = true
  public var queueType = QueueType.quorum
  public var deliveryLimit = 100
  public var poison = Poison.auto
  public var prefetch = Prefetch()
  /// Bytes of one request, after decompression.
  public var maxMessageBytes = 16_777_216
  /// Bytes of one reply.
  public var maxReplyBytes = 16_777_216
  /// Bytes of unacknowledged deliveries, per lane.
  public var maxUnackedBytes = 268_435_456
  public var names = Names()
  /// How long a reply that nobody was bound for is kept in the broker.
  public var unclaimedTTL = Duration.seconds(7 * 86_400)
  /// Bytes of such replies; the oldest go first.
  public var unclaimedMaxBytes = 1_073_741_824

  public init() {}
}
