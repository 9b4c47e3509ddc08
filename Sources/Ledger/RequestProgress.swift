/// How far a request is, to whoever holds a delivery of it.
public enum RequestProgress: Hashable, Sendable {
  /// Somebody who is alive calls for it, and the broker has its custody.
  case underway
  /// The ledger has its custody: the delivery can be acked.
  case kept
  /// Its reply is in the outbox.
  case answered
  /// Its reply was confirmed, or can never be: the delivery can be acked.
  case delivered
  /// Whoever called for it is gone: admit the delivery again.
  case abandoned
}
