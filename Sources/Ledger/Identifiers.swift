/// The row of one subscriber's request in the ledger.
public struct RequestID: Hashable, Comparable, Sendable {
  public var rawValue: Int64

  public init(_ rawValue: Int64) {
    self.rawValue = rawValue
  }

  public static func < (left: RequestID, right: RequestID) -> Bool { left.rawValue < right.rawValue }
}

/// The row of a batch in the ledger.
public struct BatchID: Hashable, Comparable, Sendable {
  public var rawValue: Int64

  public init(_ rawValue: Int64) {
    self.rawValue = rawValue
  }

  public static func < (left: BatchID, right: BatchID) -> Bool { left.rawValue < right.rawValue }
}
