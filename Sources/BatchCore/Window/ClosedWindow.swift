/// A window that has closed: what may become one batch. Never empty.
public struct ClosedWindow: Hashable, Sendable {
  public var key: WindowKey
  /// Ledger row ids in order of arrival.
  public var items: [Int64]
  public var tokens: Int64
  public var bytes: Int64
  public var trigger: WindowTrigger
  /// The first arrival.
  public var openedAt: Timestamp

  public init(
    key: WindowKey, items: [Int64], tokens: Int64, bytes: Int64, trigger: WindowTrigger, openedAt: Timestamp
  ) {
    self.key = key
    self.items = items
    self.tokens = tokens
    self.bytes = bytes
    self.trigger = trigger
    self.openedAt = openedAt
  }
}
