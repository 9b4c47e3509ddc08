/// What to tell the broker about one delivery.
public struct Settlement: Hashable, Sendable {
  public enum Verdict: Hashable, Sendable {
    case ack
    /// Dead-letters the message, or deletes it where the queue has no dead-letter exchange.
    case discard
    /// Puts it back into the queue.
    case requeue
  }

  public var token: DeliveryToken
  public var verdict: Verdict

  public init(_ token: DeliveryToken, _ verdict: Verdict) {
    self.token = token
    self.verdict = verdict
  }
}
