/// How a publisher bounds what it has in flight and how long it waits.
public struct PublisherConfiguration: Hashable, Sendable {
  /// Messages that may be unconfirmed at once. Callers wait beyond it.
  public var maxUnconfirmed = 4096
  /// Bytes of messages that may be unconfirmed at once; one message may exceed it.
  public var maxUnconfirmedBytes = 64 << 20
  /// How long a message may wait for a connection before its outcome is `unknown`.
  public var connectTimeout: Duration = .seconds(30)
  /// How long a confirm may take, alarms of the broker not counted. Then all unconfirmed messages are `unknown` and the
  /// connection is replaced.
  public var confirmTimeout: Duration = .seconds(60)
  /// After how long without a confirm the state says so: a queue may be without a leader, or its disk slow.
  public var stallTimeout: Duration = .seconds(5)
  /// How long `stop()` waits for confirms.
  public var stopTimeout: Duration = .seconds(5)

  public init() {}
}
