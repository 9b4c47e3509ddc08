/// What became of one published message.
public enum PublishOutcome: Hashable, Sendable {
  /// The broker has it, on disk where the queue is durable.
  case confirmed
  /// No queue was bound for it; the broker dropped it.
  case returned(code: UInt16, text: String)
  /// A queue refused it (full, or its process failed): publish again later.
  case refused
  /// The broker closed the channel because of this message (too large, a missing exchange, a forbidden user id):
  /// publishing it again will close the channel again.
  case rejected(code: UInt16, text: String)
  /// The connection went before the confirm: the broker may have it or not.
  case unknown
}
