public import BatchCore
public import Wire

/// What the ledger made of a delivery.
public struct Admission: Hashable, Sendable {
  public enum Kind: Hashable, Sendable {
    /// A new call. Send it as the given attempt, from 1 (deferred rows get theirs when a batch is planned).
    case new(attempt: Int)
    /// A claim whose process died: send it again as the given attempt. The attempt before stays unknown.
    case takenOver(attempt: Int)
    /// The call is on its way already; this subscriber gets its reply when it ends.
    case inFlight
    /// The call has its outcome; this subscriber's reply is in the outbox (again).
    case answered
    /// Refused for good: poison or an idempotency conflict. The error reply is in the outbox (again).
    case refused(Failure)
  }

  public var id: RequestID
  public var ledgerID: LedgerID
  public var kind: Kind
  /// With `.ledger` the delivery is acked now; with `.broker` when its reply is confirmed. Of a refused request: `.broker`.
  public var custody: Custody

  public init(id: RequestID, ledgerID: LedgerID, kind: Kind, custody: Custody) {
    self.id = id
    self.ledgerID = ledgerID
    self.kind = kind
    self.custody = custody
  }
}
