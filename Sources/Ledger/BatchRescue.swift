public import BatchCore

/// How rows are saved that their batch will not bring in time: committed before anything is done about it.
public enum BatchRescue: Sendable {
  /// The batch is about to be cancelled. Its rows stay in it until it is harvested.
  case cancel
  /// These rows are sent synchronously too, in this order and as far as the budget goes, while their batch runs on.
  case sendTwice([RescuedRow], SpendLimit)

  package var rowCount: Int {
    switch self {
    case .cancel: 1
    case .sendTwice(let rows, _): rows.count
    }
  }
}

/// A row that may be paid twice.
public struct RescuedRow: Hashable, Sendable {
  public var id: RequestID
  /// What sending it once more costs, as estimated.
  public var cost: PicoUSD

  public init(id: RequestID, cost: PicoUSD) {
    self.id = id
    self.cost = cost
  }
}

/// What may knowingly be paid twice, by all that share the ledger.
public struct SpendLimit: Hashable, Sendable {
  public var most: PicoUSD
  /// What was spent before then does not count.
  public var since: Timestamp

  public init(most: PicoUSD, since: Timestamp) {
    self.most = most
    self.since = since
  }

  /// What was spent since then counts.
  public static func since(_ now: Timestamp) -> Timestamp { now + .seconds(-86_400) }
}
