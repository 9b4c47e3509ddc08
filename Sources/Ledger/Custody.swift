/// Who answers for a request.
public enum Custody: UInt8, Hashable, Sendable {
  /// The broker holds the message until its reply is confirmed; the ledger has a claim, not the body.
  case broker = 0
  /// The ledger holds the body; the message was acked when that was committed.
  case ledger = 1
}
