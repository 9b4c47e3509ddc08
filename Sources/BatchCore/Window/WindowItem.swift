/// A request as its window sees it: a reference and sizes.
public struct WindowItem: Hashable, Sendable {
  /// The ledger's row id. An id is in one open window at most.
  public var id: Int64
  public var tokens: Int64
  /// The size of the request as a line of a batch's input.
  public var bytes: Int64
  /// The latest time at which the window must close for this request's deadline.
  public var closeBy: Timestamp?
  /// When the request first arrived; lies in the past after a restart.
  public var arrivedAt: Timestamp

  public init(id: Int64, tokens: Int64, bytes: Int64, closeBy: Timestamp?, arrivedAt: Timestamp) {
    self.id = id
    self.tokens = tokens
    self.bytes = bytes
    self.closeBy = closeBy
    self.arrivedAt = arrivedAt
  }
}
